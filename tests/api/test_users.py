"""People and their memberships: unique, changed under optimistic locks, and limited to who may manage them."""

import asyncio
import secrets
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api_harness import Api

PASSWORD = "a long enough password"  # noqa: S105 -- of nobody


@pytest.fixture
async def platform(api: Api) -> httpx.AsyncClient:
    """An administrator of the platform."""
    return await api.client("admin", None)


async def somebody(platform: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    body = {"email": f"{uuid4()}@example.com", "name": "Somebody", **changes}
    return await platform.post("/v1/users", json=body)


async def test_a_user_is_made_and_read_without_the_password(platform: httpx.AsyncClient) -> None:
    answer = await somebody(platform, email="Ada.Lovelace@Example.com", password=PASSWORD)
    user = answer.json()
    assert answer.status_code == 201
    assert (user["email"], user["hasPassword"], user["platformRole"]) == ("ada.lovelace@example.com", True, None)
    read = await platform.get(answer.headers["Location"])
    assert (read.json(), read.headers["ETag"]) == (user, answer.headers["ETag"])
    assert "password" not in str({name.lower(): value for name, value in user.items() if name != "hasPassword"})


async def test_an_address_belongs_to_one_user_whatever_its_case(platform: httpx.AsyncClient) -> None:
    email = f"{uuid4()}@example.com"
    assert (await somebody(platform, email=email)).status_code == 201
    again = await somebody(platform, email=email.upper())
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "/email")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"email": "nobody"}, "/email"),
        ({"email": "a b@example.com"}, "/email"),
        ({"name": " "}, "/name"),
        ({"password": "too short"}, "/password"),
        ({"platformRole": "root"}, "/platformRole"),
        ({"id": str(uuid4())}, "/id"),
    ],
)
async def test_a_user_asked_for_wrongly_is_refused_with_the_field(
    platform: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await somebody(platform, **changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_what_a_change_leaves_out_stays(platform: httpx.AsyncClient) -> None:
    made = await somebody(platform, platformRole="viewer", password=PASSWORD)
    path, headers = made.headers["Location"], {"If-Match": made.headers["ETag"]}
    changed = await platform.patch(path, json={"name": "Renamed"}, headers=headers)
    assert changed.status_code == 200
    assert changed.json() | {"updatedAt": None} == made.json() | {"name": "Renamed", "updatedAt": None}
    emptied = await platform.patch(
        path, json={"platformRole": None, "password": None}, headers={"If-Match": changed.headers["ETag"]}
    )
    assert (emptied.json()["platformRole"], emptied.json()["hasPassword"]) == (None, False)


async def changed(platform: httpx.AsyncClient, user: dict[str, Any], **changes: Any) -> httpx.Response:
    path = f"/v1/users/{user['id']}"
    tag = (await platform.get(path)).headers["ETag"]
    return await platform.patch(path, json=changes, headers={"If-Match": tag})


def identity(**changes: Any) -> dict[str, Any]:
    """Of nobody yet."""
    return {"issuer": "https://id.example", "subject": str(uuid4()), **changes}


async def test_an_identity_is_given_exchanged_and_taken_away(platform: httpx.AsyncClient) -> None:
    user = (await somebody(platform, password=PASSWORD)).json()
    assert (user["issuer"], user["subject"]) == (None, None)
    for given in (identity(), identity(), None):
        answer = await changed(platform, user, identity=given)
        shown = {name: answer.json()[name] for name in ("issuer", "subject")}
        assert (answer.status_code, shown) == (200, given or {"issuer": None, "subject": None})
        renamed = await changed(platform, user, name="Renamed")
        assert {name: renamed.json()[name] for name in shown} == shown
    assert renamed.json()["hasPassword"] is True


async def test_an_identity_belongs_to_one_user(platform: httpx.AsyncClient) -> None:
    one, other = [(await somebody(platform)).json() for _ in range(2)]
    given = identity()
    assert (await changed(platform, one, identity=given)).status_code == 200
    assert (await changed(platform, one, identity=given)).status_code == 200
    refused = await changed(platform, other, identity=given, name="Renamed")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:secapi:problem:conflict")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/identity/subject"]
    assert (await platform.get(f"/v1/users/{other['id']}")).json() == other
    elsewhere = {**given, "issuer": "https://id.example/"}
    assert (await changed(platform, other, identity=elsewhere)).status_code == 200


async def test_of_users_who_are_given_an_identity_at_once_one_has_it(platform: httpx.AsyncClient) -> None:
    users, given = [(await somebody(platform)).json() for _ in range(8)], identity()
    answers = await asyncio.gather(*(changed(platform, user, identity=given) for user in users))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"issuer": "https://id.example"}, "/identity/subject"),
        ({"subject": "ada"}, "/identity/issuer"),
        (identity(subject=None), "/identity/subject"),
        (identity(issuer="https://id example"), "/identity/issuer"),
        (identity(subject="a\nb"), "/identity/subject"),
        (identity(subject=""), "/identity/subject"),
        (identity(email="ada@example.com"), "/identity/email"),
    ],
)
async def test_an_identity_is_whole_or_none(platform: httpx.AsyncClient, given: dict[str, Any], pointer: str) -> None:
    answer = await changed(platform, (await somebody(platform)).json(), identity=given)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_the_longest_identity_fits(platform: httpx.AsyncClient) -> None:
    longest = identity(issuer="".join(secrets.choice("abcdefghij0123456789") for _ in range(1_000)))
    longest["subject"] = "".join(chr(0x10000 + secrets.randbelow(0x10000)) for _ in range(255))
    answer = await changed(platform, (await somebody(platform)).json(), identity=longest)
    assert (answer.status_code, answer.json()["subject"]) == (200, longest["subject"])


async def test_a_change_without_or_with_an_old_version_does_nothing(platform: httpx.AsyncClient) -> None:
    made = await somebody(platform)
    path = made.headers["Location"]
    for headers, status, slug in [
        ({}, 428, "precondition-required"),
        ({"If-Match": '"77"'}, 412, "precondition-failed"),
        ({"If-Match": "*"}, 412, "precondition-failed"),
        ({"If-Match": 'W/"1"'}, 412, "precondition-failed"),
    ]:
        answer = await platform.patch(path, json={"name": "Renamed"}, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:secapi:problem:{slug}")
    assert (await platform.get(path)).json() == made.json()


async def test_of_changes_made_at_once_one_wins(platform: httpx.AsyncClient) -> None:
    made = await somebody(platform)
    headers = {"If-Match": made.headers["ETag"]}
    answers = await asyncio.gather(
        *(
            platform.patch(made.headers["Location"], json={"name": f"Name {number}"}, headers=headers)
            for number in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_what_was_done_to_a_user_is_recorded_without_secrets(platform: httpx.AsyncClient) -> None:
    made = await somebody(platform)
    await platform.patch(
        made.headers["Location"],
        json={"password": "correct horse battery", "disabled": True},
        headers={"If-Match": made.headers["ETag"]},
    )
    answer = await platform.get("/v1/audit-events", params={"subject": made.json()["id"]})
    changed, created = answer.json()["items"]
    assert [created["action"], changed["action"]] == ["createUser", "changeUser"]
    assert (changed["before"]["hasPassword"], changed["after"]["hasPassword"]) == (False, True)
    assert changed["after"]["disabledAt"] is not None
    assert "argon2" not in answer.text
    assert "correct horse" not in answer.text


async def test_who_somebody_was_to_the_provider_is_recorded(platform: httpx.AsyncClient) -> None:
    user, first, second = (await somebody(platform)).json(), identity(), identity()
    for given in (first, second, None):
        await changed(platform, user, identity=given)
    events = (await platform.get("/v1/audit-events", params={"subject": user["id"]})).json()["items"]
    nobody = {"issuer": None, "subject": None}
    kept = [[{name: event[side][name] for name in nobody} for side in ("before", "after")] for event in events[:3]]
    assert kept == [[second, nobody], [first, second], [nobody, first]]


async def test_a_membership_is_made_changed_and_removed(api: Api, platform: httpx.AsyncClient, tenant: str) -> None:
    admin = await api.client("admin", tenant)
    user = (await somebody(platform)).json()["id"]
    made = await admin.post("/v1/memberships", json={"userId": user, "namespace": tenant, "role": "viewer"})
    path = made.headers["Location"]
    assert (made.status_code, made.json()["role"]) == (201, "viewer")
    changed = await admin.patch(path, json={"role": "triager"}, headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.json()["role"]) == (200, "triager")
    stale = await admin.delete(path, headers={"If-Match": made.headers["ETag"]})
    assert stale.status_code == 412
    listed = (await admin.get("/v1/memberships", params={"namespace": tenant})).json()["items"]
    assert listed == [changed.json()]
    assert (await admin.delete(path, headers={"If-Match": changed.headers["ETag"]})).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_somebody_is_a_member_of_a_namespace_once(api: Api, platform: httpx.AsyncClient, tenant: str) -> None:
    user = (await somebody(platform)).json()["id"]
    body = {"userId": user, "namespace": tenant, "role": "viewer"}
    assert (await platform.post("/v1/memberships", json=body)).status_code == 201
    again = await platform.post("/v1/memberships", json={**body, "role": "admin"})
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (409, "/userId")


async def test_nobody_can_be_made_a_member_who_is_no_user(platform: httpx.AsyncClient, tenant: str) -> None:
    body = {"userId": str(uuid4()), "namespace": tenant, "role": "viewer"}
    answer = await platform.post("/v1/memberships", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/userId")
