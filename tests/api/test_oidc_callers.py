"""People whom an OpenID provider vouches for: who they are here, what they may do, and how they come in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api_harness import Api, running_api, scan_body
from openid_provider import METADATA, Provider, Signer, openid_provider
from secapi_api.settings import ApiSettings

KEY = Signer.make("first")


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with openid_provider(KEY) as provider:
        yield provider


@pytest.fixture
async def oidc_api(settings: ApiSettings, provider: Provider) -> AsyncIterator[Api]:
    """The API with a provider whose issuer is this test's own."""
    changes = {"oidc_issuer": provider.issuer, "oidc_audience": "secapi"}
    async with running_api(settings.model_copy(update=changes)) as api:
        yield api


@pytest.fixture
async def platform(oidc_api: Api) -> httpx.AsyncClient:
    return await oidc_api.client("admin", None)


def email() -> str:
    return f"{uuid4()}@example.com"


def using(api: Api, token: str) -> httpx.AsyncClient:
    client = api.anonymous()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


async def whoami(api: Api, token: str) -> dict[str, Any]:
    answer = await using(api, token).get("/v1/sessions/current")
    assert answer.status_code == 200, answer.text
    identity: dict[str, Any] = answer.json()
    return identity


async def refusal(api: Api, token: str) -> str:
    answer = await using(api, token).get("/v1/sessions/current")
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:secapi:problem:unauthenticated")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    detail: str = answer.json()["detail"]
    return detail


async def made(platform: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """A user that an administrator made."""
    answer = await platform.post("/v1/users", json={"email": email(), "name": "Ada", **changes})
    assert answer.status_code == 201
    user: dict[str, Any] = answer.json()
    return user


async def change(platform: httpx.AsyncClient, user: str, **changes: Any) -> None:
    tag = (await platform.get(f"/v1/users/{user}")).headers["ETag"]
    answer = await platform.patch(f"/v1/users/{user}", json=changes, headers={"If-Match": tag})
    assert answer.status_code == 200


async def test_whoever_is_new_becomes_a_user_who_may_do_nothing(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient, tenant: str
) -> None:
    address = email()
    token = provider.token(email=address)
    first, again = [await whoami(oidc_api, token) for _ in range(2)]
    assert first == again
    assert (first["name"], first["roles"], first["everywhere"], first["scopes"]) == ("Ada", {}, None, None)
    user = (await platform.get(f"/v1/users/{first['id'].removeprefix('user:')}")).json()
    assert (user["email"], user["issuer"], user["subject"]) == (address, provider.issuer, "ada")
    assert (user["hasPassword"], user["platformRole"]) == (False, None)
    client = using(oidc_api, token)
    assert (await client.get("/v1/scans", params={"namespace": tenant})).status_code == 403
    assert (await client.get("/v1/scans")).json()["items"] == []


async def test_whoever_has_no_name_is_called_by_their_address(oidc_api: Api, provider: Provider) -> None:
    address = email()
    assert (await whoami(oidc_api, provider.token(email=address, name=None)))["name"] == address


async def test_roles_are_those_of_the_user_and_count_at_once(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient, namespace: str
) -> None:
    token = provider.token(email=email())
    user = (await whoami(oidc_api, token))["id"].removeprefix("user:")
    body = {"userId": user, "namespace": namespace, "role": "operator"}
    assert (await platform.post("/v1/memberships", json=body)).status_code == 201
    client = using(oidc_api, token)
    submitted = await client.post("/v1/scans", json=scan_body(namespace))
    assert submitted.status_code == 202
    assert (await client.get(f"/v1/scans/{submitted.json()['id']}")).json()["submittedBy"] == f"user:{user}"
    assert "RateLimit" in submitted.headers
    await change(platform, user, platformRole="admin")
    assert (await whoami(oidc_api, token))["everywhere"] == "admin"
    (event,) = (await platform.get("/v1/audit-events", params={"subject": submitted.json()["id"]})).json()["items"]
    assert (event["actor"], event["actorName"]) == (f"user:{user}", "Ada")


async def test_a_known_subject_needs_no_address_and_keeps_the_one_it_had(oidc_api: Api, provider: Provider) -> None:
    first = await whoami(oidc_api, provider.token(email=email()))
    assert await whoami(oidc_api, provider.token(email=None, email_verified=None)) == first
    assert await whoami(oidc_api, provider.token(email=email())) == first


async def test_somebody_new_without_a_verified_address_is_nobody(oidc_api: Api, provider: Provider) -> None:
    unverified: list[dict[str, Any]] = [{"email": None}, {"email_verified": False}, {"email_verified": None}]
    for changes in unverified:
        assert "email_verified" in await refusal(oidc_api, provider.token(**{"email": email(), **changes}))


async def test_a_user_made_for_the_purpose_is_taken_over_with_its_roles(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient
) -> None:
    user = await made(platform, platformRole="viewer")
    identity = await whoami(oidc_api, provider.token(email=user["email"].upper(), name="Somebody"))
    assert (identity["id"], identity["name"]) == (f"user:{user['id']}", "Ada")
    assert identity["everywhere"] == "viewer"


async def test_a_user_with_a_password_is_not_taken_over_unless_it_is_taken_away(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient
) -> None:
    user = await made(platform, password="correct horse battery staple", platformRole="admin")  # noqa: S106 -- nobody's
    token = provider.token(email=user["email"])
    assert "take the password away" in await refusal(oidc_api, token)
    await change(platform, user["id"], password=None)
    assert (await whoami(oidc_api, token))["id"] == f"user:{user['id']}"


async def test_another_subject_with_the_same_address_is_somebody_else(oidc_api: Api, provider: Provider) -> None:
    address = email()
    await whoami(oidc_api, provider.token(email=address))
    assert "another subject" in await refusal(oidc_api, provider.token(email=address, sub="eve"))


async def test_an_administrator_says_who_a_new_subject_is(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient
) -> None:
    address = email()
    before, after = provider.token(email=address), provider.token(email=address, sub=f"new {address}")
    user = await whoami(oidc_api, before)
    assert "identity" in await refusal(oidc_api, after)
    moved = {"issuer": provider.issuer, "subject": f"new {address}"}
    await change(platform, user["id"].removeprefix("user:"), identity=moved)
    assert await whoami(oidc_api, after) == user
    assert "another subject" in await refusal(oidc_api, before)


async def test_whose_identity_was_taken_away_becomes_who_comes_with_the_address_next(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient
) -> None:
    address = email()
    user = await whoami(oidc_api, provider.token(email=address))
    await change(platform, user["id"].removeprefix("user:"), identity=None)
    assert await whoami(oidc_api, provider.token(email=address, sub=f"new {address}")) == user


async def test_a_disabled_user_is_nobody(oidc_api: Api, provider: Provider, platform: httpx.AsyncClient) -> None:
    token = provider.token(email=email())
    user = (await whoami(oidc_api, token))["id"].removeprefix("user:")
    await change(platform, user, disabled=True)
    spare = await made(platform)
    for changes in ({}, {"email": None}, {"email": email()}, {"email": spare["email"]}):
        assert "disabled" in await refusal(oidc_api, provider.token(**{"email": email(), **changes}))
    assert "disabled" in await refusal(oidc_api, token)
    await change(platform, user, disabled=False)
    assert (await whoami(oidc_api, token))["id"] == f"user:{user}"


async def test_a_disabled_user_made_for_the_purpose_is_not_taken_over(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient
) -> None:
    user = await made(platform)
    await change(platform, user["id"], disabled=True)
    assert "disabled" in await refusal(oidc_api, provider.token(email=user["email"]))


@pytest.mark.parametrize("purpose", [True, False])
async def test_of_first_requests_made_at_once_all_are_the_same_user(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient, purpose: bool
) -> None:
    address = (await made(platform))["email"] if purpose else email()
    token = provider.token(email=address)
    identities = await asyncio.gather(*(whoami(oidc_api, token) for _ in range(20)))
    assert len({identity["id"] for identity in identities}) == 1
    assert provider.requests.count(METADATA) == 1


@pytest.mark.parametrize("purpose", [True, False])
async def test_how_somebody_came_in_is_recorded_once(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient, purpose: bool
) -> None:
    address = (await made(platform))["email"] if purpose else email()
    for _ in range(2):
        identity = await whoami(oidc_api, provider.token(email=address))
    listed = await platform.get("/v1/audit-events", params={"actor": identity["id"]})
    (event,) = listed.json()["items"]
    assert event["action"] == ("changeUser" if purpose else "createUser")
    assert (event["before"] or {}).get("subject") is None
    assert (event["after"]["issuer"], event["after"]["subject"]) == (provider.issuer, "ada")


async def test_a_provider_that_is_away_leaves_other_callers_alone(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient
) -> None:
    provider.shows(METADATA, {}, status=500)
    answer = await using(oidc_api, provider.token()).get("/v1/scans")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:secapi:problem:identity-provider-unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await platform.get("/v1/scans")).status_code == 200


async def test_where_no_provider_is_configured_its_tokens_are_nothing(api: Api, provider: Provider) -> None:
    assert "not made for SecAPI by this cluster" in await refusal(api, provider.token())
    assert provider.requests == []


async def test_a_forged_token_is_nobody_and_makes_no_user(
    oidc_api: Api, provider: Provider, platform: httpx.AsyncClient
) -> None:
    address = email()
    forged = provider.token(signer=Signer.make("other"), header={"kid": "first"}, email=address)
    assert "signature" in await refusal(oidc_api, forged)
    assert "this cluster" in await refusal(oidc_api, provider.token(padding="x" * 20_000))
    assert (await made(platform, email=address))["email"] == address
