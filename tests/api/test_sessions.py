"""Logging in with a browser: proven by a password once, then by a cookie, and for changes by a token besides."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api_harness import Api, running_api
from secapi_api.sessions.cookies import COOKIE
from secapi_api.settings import ApiSettings
from tcp_proxy import Mode, TcpProxy
from waiting import until

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of nobody


@pytest.fixture
async def platform(api: Api) -> httpx.AsyncClient:
    return await api.client("admin", None)


async def somebody(platform: httpx.AsyncClient, namespace: str | None = None, role: str = "admin") -> dict[str, Any]:
    """A new user with a password, and perhaps a role in a namespace."""
    body = {"email": f"{uuid4()}@example.com", "name": "Ada", "password": PASSWORD}
    user: dict[str, Any] = (await platform.post("/v1/users", json=body)).json()
    if namespace is not None:
        membership = {"userId": user["id"], "namespace": namespace, "role": role}
        assert (await platform.post("/v1/memberships", json=membership)).status_code == 201
    return user


async def logged_in(api: Api, email: str) -> httpx.AsyncClient:
    """A browser with a session: the cookie and, for changes, the token."""
    browser = api.anonymous()
    answer = await browser.post("/v1/sessions", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    browser.headers["Cookie"] = f"{COOKIE}={cookie(answer)}"
    browser.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
    return browser


def cookie(answer: httpx.Response) -> str:
    """The secret that the browser is given."""
    found = re.match(rf"{COOKIE}=([\w-]+);", answer.headers["Set-Cookie"])
    assert found is not None
    return found[1]


async def test_whoever_logs_in_is_who_they_are_with_the_roles_they_have(
    api: Api, platform: httpx.AsyncClient, tenant: str
) -> None:
    user = await somebody(platform, tenant, "triager")
    browser = await logged_in(api, user["email"].upper())
    identity = (await browser.get("/v1/sessions/current")).json()
    assert (identity["id"], identity["name"]) == (f"user:{user['id']}", "Ada")
    assert (identity["roles"], identity["everywhere"], identity["scopes"]) == ({tenant: "triager"}, None, None)
    assert (await browser.get("/v1/scans", params={"namespace": tenant})).status_code == 200
    assert (await browser.get("/v1/scans", params={"namespace": "elsewhere"})).status_code == 403


async def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(
    api: Api, platform: httpx.AsyncClient
) -> None:
    user = await somebody(platform)
    answer = await api.anonymous().post("/v1/sessions", json={"email": user["email"], "password": PASSWORD})
    attributes = {part.strip().partition("=")[0].lower() for part in answer.headers["Set-Cookie"].split(";")[1:]}
    assert attributes == {"expires", "httponly", "path", "samesite", "secure"}
    assert "samesite=strict" in answer.headers["Set-Cookie"].lower()
    assert cookie(answer) not in answer.text


async def test_each_login_is_another_session(api: Api, platform: httpx.AsyncClient) -> None:
    user = await somebody(platform)
    first, second = [await logged_in(api, user["email"]) for _ in range(2)]
    assert first.headers["Cookie"] != second.headers["Cookie"]
    sessions = (await first.get("/v1/sessions")).json()["items"]
    assert [session["current"] for session in sessions] == [False, True]


@pytest.mark.parametrize("token", [None, "", "guessed", "é"])
async def test_a_change_without_the_token_is_refused(
    api: Api, platform: httpx.AsyncClient, tenant: str, token: str | None
) -> None:
    browser = await logged_in(api, (await somebody(platform, tenant))["email"])
    del browser.headers["X-CSRF-Token"]
    headers = [] if token is None else [(b"X-CSRF-Token", token.encode())]
    body = {"name": "mine", "namespace": tenant, "role": "viewer"}
    refused = await browser.post("/v1/api-keys", json=body, headers=headers)
    assert (refused.status_code, "X-CSRF-Token" in refused.json()["detail"]) == (403, True)
    assert (await browser.get("/v1/api-keys", params={"namespace": tenant})).json()["items"] == []


async def test_a_change_with_the_token_is_done(api: Api, platform: httpx.AsyncClient, tenant: str) -> None:
    browser = await logged_in(api, (await somebody(platform, tenant))["email"])
    body = {"name": "mine", "namespace": tenant, "role": "viewer"}
    assert (await browser.post("/v1/api-keys", json=body)).status_code == 201


async def test_logging_out_ends_the_session_everywhere(api: Api, platform: httpx.AsyncClient) -> None:
    browser = await logged_in(api, (await somebody(platform))["email"])
    ended = await browser.delete("/v1/sessions/current")
    assert (ended.status_code, f'{COOKIE}=""' in ended.headers["Set-Cookie"]) == (204, True)
    answer = await browser.get("/v1/sessions/current")
    assert (answer.status_code, answer.json()["detail"]) == (401, "this session is over; log in again")


async def test_another_session_can_be_ended_but_nobody_elses(api: Api, platform: httpx.AsyncClient) -> None:
    user = await somebody(platform)
    here, there = [await logged_in(api, user["email"]) for _ in range(2)]
    stranger = await logged_in(api, (await somebody(platform))["email"])
    other = next(s["id"] for s in (await here.get("/v1/sessions")).json()["items"] if not s["current"])
    assert (await stranger.delete(f"/v1/sessions/{other}")).status_code == 404
    assert (await there.get("/v1/sessions/current")).status_code == 200
    assert (await here.delete(f"/v1/sessions/{other}")).status_code == 204
    assert (await there.get("/v1/sessions/current")).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"password": "another long password"},
        {"identity": {"issuer": "https://id.example", "subject": "somebody else"}},
        {"identity": None},
        {"disabled": True},
        {"platformRole": "viewer"},
    ],
)
async def test_a_change_of_who_somebody_is_ends_their_sessions(
    api: Api, platform: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    user = await somebody(platform)
    browser = await logged_in(api, user["email"])
    tag = (await platform.get(f"/v1/users/{user['id']}")).headers["ETag"]
    assert (await platform.patch(f"/v1/users/{user['id']}", json=change, headers={"If-Match": tag})).status_code == 200
    assert (await browser.get("/v1/sessions/current")).status_code == 401


async def test_a_session_that_is_over_is_asked_about_once(api: Api, platform: httpx.AsyncClient) -> None:
    user = await somebody(platform)
    browser = await logged_in(api, user["email"])
    tag = (await platform.get(f"/v1/users/{user['id']}")).headers["ETag"]
    await platform.patch(f"/v1/users/{user['id']}", json={"disabled": True}, headers={"If-Match": tag})
    secret = browser.headers["Cookie"].removeprefix(f"{COOKIE}=")
    assert await api.resources.sessions.find(secret) is not None
    assert (await browser.get("/v1/sessions/current")).status_code == 401
    assert await api.resources.sessions.find(secret) is None


async def test_another_role_counts_at_once(api: Api, platform: httpx.AsyncClient, tenant: str) -> None:
    user = await somebody(platform)
    browser = await logged_in(api, user["email"])
    assert (await browser.get("/v1/scans", params={"namespace": tenant})).status_code == 403
    await platform.post("/v1/memberships", json={"userId": user["id"], "namespace": tenant, "role": "viewer"})
    assert (await browser.get("/v1/scans", params={"namespace": tenant})).status_code == 200


async def test_wrong_credentials_are_told_apart_by_nothing(api: Api, platform: httpx.AsyncClient) -> None:
    user = await somebody(platform)
    no_password = (await platform.post("/v1/users", json={"email": f"{uuid4()}@example.com", "name": "Eve"})).json()
    answers = [
        await api.anonymous().post("/v1/sessions", json={"email": email, "password": password})
        for email, password in [
            (user["email"], "not the password"),
            (no_password["email"], PASSWORD),
            (f"{uuid4()}@example.com", PASSWORD),
        ]
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["detail"] for answer in answers} == {"the address or the password is wrong"}


@pytest.fixture
async def strict(settings: ApiSettings) -> AsyncIterator[Api]:
    """Three passwords a minute may be tried for an address, thirty from a client."""
    tuning = settings.tuning.model_copy(update={"logins_per_minute": 3})
    async with running_api(settings.model_copy(update={"tuning": tuning})) as api:
        yield api


async def test_passwords_cannot_be_tried_without_end(strict: Api, platform: httpx.AsyncClient) -> None:
    user = await somebody(platform)
    tries = [
        await strict.anonymous(f"192.0.2.{number}").post(
            "/v1/sessions", json={"email": user["email"], "password": f"guess {number}"}
        )
        for number in range(5)
    ]
    assert [answer.status_code for answer in tries] == [401, 401, 401, 429, 429]


async def test_nor_can_addresses(strict: Api) -> None:
    client = strict.anonymous("198.51.100.7")
    tries = [
        await client.post("/v1/sessions", json={"email": f"{number}@example.com", "password": PASSWORD})
        for number in range(32)
    ]
    assert [answer.status_code for answer in tries] == [401] * 30 + [429] * 2


@pytest.fixture
async def short(settings: ApiSettings) -> AsyncIterator[Api]:
    """Sessions that end after a second without a request, and after three in any case."""
    tuning = settings.tuning.model_copy(update={"session_idle": 1.0, "session_lifetime": 3.0})
    async with running_api(settings.model_copy(update={"tuning": tuning})) as api:
        yield api


async def test_a_session_ends_when_it_is_idle(short: Api, platform: httpx.AsyncClient) -> None:
    browser = await logged_in(short, (await somebody(platform))["email"])
    await asyncio.sleep(1.2)
    assert (await browser.get("/v1/sessions/current")).status_code == 401


async def test_a_busy_session_ends_when_it_is_old(short: Api, platform: httpx.AsyncClient) -> None:
    browser = await logged_in(short, (await somebody(platform))["email"])

    async def over() -> bool:
        return (await browser.get("/v1/sessions/current")).status_code == 401

    began = asyncio.get_running_loop().time()
    await until(over, within=6)
    assert asyncio.get_running_loop().time() - began > 2


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_browsers_are_told_to_wait_and_programs_go_on(
    without_redis: ApiSettings, redis_outage: TcpProxy, platform: httpx.AsyncClient, tenant: str, mode: Mode
) -> None:
    user = await somebody(platform, tenant)
    async with running_api(without_redis) as api:
        browser, program = await logged_in(api, user["email"]), await api.client("viewer", tenant)
        redis_outage.set(mode)
        for request in (
            browser.get("/v1/scans"),
            api.anonymous().post("/v1/sessions", json={"email": user["email"], "password": PASSWORD}),
        ):
            answer = await request
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:secapi:problem:sessions-unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert (await program.get("/v1/scans")).status_code == 200
        redis_outage.set(Mode.FORWARD)

        async def back() -> bool:
            return (await browser.get("/v1/scans")).status_code == 200

        await until(back, within=5)


async def test_a_login_is_recorded(api: Api, platform: httpx.AsyncClient) -> None:
    user = await somebody(platform)
    await logged_in(api, user["email"])
    (event,) = (await platform.get("/v1/audit-events", params={"actor": f"user:{user['id']}"})).json()["items"]
    assert (event["action"], event["kind"], event["actorName"]) == ("createSession", "session", "Ada")


async def test_a_program_is_told_who_it_is(api: Api, tenant: str) -> None:
    program = await api.client("operator", tenant, scopes=["sessions:read", "scans:write"])
    identity = (await program.get("/v1/sessions/current")).json()
    assert identity["id"].startswith("key:")
    assert identity["roles"] == {tenant: "operator"}
    assert identity["scopes"] == ["scans:write", "sessions:read"]
    assert (identity["csrfToken"], identity["expiresAt"]) == (None, None)
