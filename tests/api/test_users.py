"""People and their memberships: unique, changed under optimistic locks, and limited to who may manage them."""

import asyncio
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
