"""Keys over REST: shown once, limited by role and scope, rotated without a gap, worthless at once when revoked."""

from typing import Any

import httpx
import pytest

from api_harness import Api, scan_body
from listed import ids
from waiting import until


@pytest.fixture
async def admin(api: Api, namespace: str) -> httpx.AsyncClient:
    """An admin of ``namespace``."""
    return await api.client("admin", namespace)


def using(api: Api, secret: str) -> httpx.AsyncClient:
    client = api.anonymous()
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


async def made(admin: httpx.AsyncClient, namespace: str, **changes: Any) -> dict[str, Any]:
    body = {"name": "ci", "namespace": namespace, "role": "operator", **changes}
    answer = await admin.post("/v1/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/v1/api-keys/{key['id']}"
    return key


async def test_a_new_key_works_and_its_secret_is_never_shown_again(
    api: Api, admin: httpx.AsyncClient, namespace: str
) -> None:
    key = await made(admin, namespace)
    assert (await using(api, key["secret"]).post("/v1/scans", json=scan_body(namespace))).status_code == 202
    secret = key.pop("secret")
    shown = await admin.get(f"/v1/api-keys/{key['id']}")
    listed = await admin.get("/v1/api-keys", params={"namespace": namespace})
    assert secret not in shown.text + listed.text
    assert shown.json() | {"lastUsedAt": None} == key
    assert key["id"] in [item["id"] for item in listed.json()["items"]]


async def test_when_a_key_was_last_used_is_shown(api: Api, admin: httpx.AsyncClient, namespace: str) -> None:
    key = await made(admin, namespace)
    assert key["lastUsedAt"] is None
    await using(api, key["secret"]).get("/v1/scans")
    assert (await admin.get(f"/v1/api-keys/{key['id']}")).json()["lastUsedAt"] is not None


async def test_a_key_is_good_for_its_scopes_only(api: Api, admin: httpx.AsyncClient, namespace: str) -> None:
    reader = using(api, (await made(admin, namespace, scopes=["scans:read"]))["secret"])
    writer = using(api, (await made(admin, namespace, scopes=["scans:write"]))["secret"])
    assert (await reader.get("/v1/scans")).status_code == 200
    refused = await reader.post("/v1/scans", json=scan_body(namespace))
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "this credential does not have the scope scans:write",
    )
    assert (await writer.post("/v1/scans", json=scan_body(namespace))).status_code == 202
    assert (await writer.get("/v1/scans")).status_code == 200
    assert (await writer.get("/v1/scanners")).status_code == 403


@pytest.mark.parametrize(("scopes", "status"), [([], 403), (["scans:read"], 403), (["api-keys:read"], 201)])
async def test_a_limited_key_makes_none_that_can_do_more(
    api: Api, admin: httpx.AsyncClient, namespace: str, scopes: list[str], status: int
) -> None:
    limited = using(api, (await made(admin, namespace, role="admin", scopes=["api-keys:write"]))["secret"])
    body = {"name": "more", "namespace": namespace, "role": "admin", "scopes": scopes}
    assert (await limited.post("/v1/api-keys", json=body)).status_code == status


async def test_an_admin_of_a_namespace_makes_no_key_for_the_platform(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/v1/api-keys", json={"name": "all", "namespace": None, "role": "viewer"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:secapi:problem:forbidden")


async def test_a_revoked_key_is_worthless_at_once_and_revoking_again_changes_nothing(
    api: Api, admin: httpx.AsyncClient, namespace: str
) -> None:
    key = await made(admin, namespace)
    for _ in range(2):
        assert (await admin.delete(f"/v1/api-keys/{key['id']}")).status_code == 204
    assert (await using(api, key["secret"]).get("/v1/scans")).status_code == 401
    query = {"namespace": namespace}
    active = (await admin.get("/v1/api-keys", params=query)).json()["items"]
    every = (await admin.get("/v1/api-keys", params={**query, "active": "false"})).json()["items"]
    assert key["id"] not in [item["id"] for item in active]
    assert key["id"] in [item["id"] for item in every]
    events = (await admin.get("/v1/audit-events", params={**query, "subject": key["id"]})).json()["items"]
    assert [event["action"] for event in events] == ["revokeApiKey", "createApiKey"]


async def test_rotating_gives_an_equal_key_and_ends_the_old_one(
    api: Api, admin: httpx.AsyncClient, namespace: str
) -> None:
    old = await made(admin, namespace, scopes=["scans:read"])
    answer = await admin.post(f"/v1/api-keys/{old['id']}/rotate", json={})
    new = answer.json()
    assert answer.status_code == 201
    assert {name: new[name] for name in ("name", "namespace", "role", "scopes")} == {
        name: old[name] for name in ("name", "namespace", "role", "scopes")
    }
    assert new["secret"] != old["secret"]
    assert (await using(api, old["secret"]).get("/v1/scans")).status_code == 401
    assert (await using(api, new["secret"]).get("/v1/scans")).status_code == 200


async def test_a_rotated_key_goes_on_for_its_grace(api: Api, admin: httpx.AsyncClient, namespace: str) -> None:
    old = await made(admin, namespace)
    assert (await admin.post(f"/v1/api-keys/{old['id']}/rotate", json={"graceSeconds": 1})).status_code == 201
    client = using(api, old["secret"])
    assert (await client.get("/v1/scans")).status_code == 200

    async def over() -> bool:
        return (await client.get("/v1/scans")).status_code == 401

    await until(over, within=5)


async def test_a_key_that_has_ended_cannot_be_rotated(admin: httpx.AsyncClient, namespace: str) -> None:
    key = await made(admin, namespace)
    await admin.delete(f"/v1/api-keys/{key['id']}")
    answer = await admin.post(f"/v1/api-keys/{key['id']}/rotate", json={})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:secapi:problem:conflict")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": " padded "}, "/name"),
        ({"name": "new\nline"}, "/name"),
        ({"role": "root"}, "/role"),
        ({"scopes": ["scans"]}, "/scopes/0"),
        ({"scopes": ["nothing:read"]}, "/scopes/0"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "tomorrow"}, "/expiresAt"),
        ({"secret": "sk_mine"}, "/secret"),
    ],
)
async def test_a_key_asked_for_wrongly_is_refused_with_the_field(
    admin: httpx.AsyncClient, namespace: str, changes: dict[str, Any], pointer: str
) -> None:
    answer = await admin.post("/v1/api-keys", json={"name": "ci", "namespace": namespace, "role": "viewer"} | changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_keys_come_in_pages(api: Api, admin: httpx.AsyncClient, namespace: str) -> None:
    keys = [(await made(admin, namespace, name=f"key {number}"))["id"] for number in range(5)]
    seen = await ids(admin, "/v1/api-keys", namespace=namespace, limit=2)
    assert [key for key in seen if key in keys] == keys[::-1]
