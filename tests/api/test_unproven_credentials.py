"""Credentials that are made up: from one client only so many are asked about, and those that are good go on."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from api_harness import Api, running_api
from api_process import running_server
from fault_proxy import FaultProxy
from ledger_factories import execute
from openid_provider import Provider, Signer, openid_provider
from secapi_api.clients import UNKNOWN, network
from secapi_api.errors import RateLimited
from secapi_api.rate_limits import WINDOW_SECONDS
from secapi_api.scan_events.rights import StandingRights
from secapi_api.sessions.cookies import COOKIE
from secapi_api.settings import ApiSettings
from secapi_dev.ports import Ports
from tcp_proxy import Mode, TcpProxy
from waiting import until

LIMIT = 5
USED_UP = [401] * LIMIT + [429]
NOT_HERE = "/v1/scans/00000000-0000-4000-8000-000000000000"

_addresses = itertools.count(1)
_guesses = itertools.count(1)


def limited(settings: ApiSettings) -> ApiSettings:
    return settings.model_copy(
        update={"tuning": settings.tuning.model_copy(update={"refused_credentials_per_minute": LIMIT})}
    )


@pytest.fixture
def address() -> str:
    """Of a client that only one test has."""
    number = next(_addresses)
    return f"198.18.{number // 256}.{number % 256}"


@pytest.fixture
async def strict(settings: ApiSettings) -> AsyncIterator[Api]:
    async with running_api(limited(settings)) as api:
        yield api


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with openid_provider(Signer.make("first")) as provider:
        yield provider


@pytest.fixture
async def oidc_api(settings: ApiSettings, provider: Provider) -> AsyncIterator[Api]:
    changes = {"oidc_issuer": provider.issuer, "oidc_audience": "secapi"}
    async with running_api(limited(settings).model_copy(update=changes)) as api:
        yield api


def guess() -> str:
    """An API key of nobody."""
    return f"sk_abcdefgh_{next(_guesses):043}"


async def tried(api: Api, address: str, credential: str, path: str = "/v1/scans") -> httpx.Response:
    """The answer to a request from ``address``."""
    async with api.anonymous(address) as client:
        return await client.get(path, headers={"Authorization": f"Bearer {credential}"})


async def guessed(api: Api, address: str, times: int) -> list[int]:
    return [(await tried(api, address, guess())).status_code for _ in range(times)]


def window(address: str) -> str:
    """Where Redis has what was taken by a client."""
    return f"rate:refused-credentials:client:{address}"


def refused_so_far() -> float:
    return REGISTRY.get_sample_value("secapi_api_rate_limited_total", {"kind": "refused-credentials"}) or 0.0


async def test_from_one_client_only_so_much_is_refused_and_the_answer_says_when_to_come_back(
    strict: Api, address: str
) -> None:
    before = refused_so_far()
    assert await guessed(strict, address, LIMIT + 1) == USED_UP
    answer = await tried(strict, address, guess())
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:secapi:problem:rate-limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= WINDOW_SECONDS
    assert answer.headers["RateLimit"].startswith('"refused-credentials";r=0;t=')
    assert answer.headers["RateLimit-Policy"] == f'"refused-credentials";q={LIMIT};w={WINDOW_SECONDS}'
    assert refused_so_far() == before + 2


async def test_clients_are_counted_apart(strict: Api, address: str) -> None:
    assert await guessed(strict, address, LIMIT + 1) == USED_UP
    assert await guessed(strict, "203.0.113.77", 1) == [401]


async def test_all_processes_count_together(settings: ApiSettings, address: str) -> None:
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(running_api(limited(settings))) for _ in range(2)]
        statuses = [(await tried(api, address, guess())).status_code for api in (one, other) * LIMIT]
    assert statuses == [401] * LIMIT + [429] * LIMIT


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_each_process_counts(
    without_redis: ApiSettings, redis_outage: TcpProxy, tenant: str, address: str, mode: Mode
) -> None:
    async with running_api(limited(without_redis)) as api:
        key = await api.key("viewer", tenant)
        redis_outage.set(mode)
        async with asyncio.timeout(10):
            good = [(await tried(api, address, await api.key("viewer", tenant))).status_code for _ in range(LIMIT + 1)]
            assert good == [200] * (LIMIT + 1)
            assert (await tried(api, address, key)).status_code == 200
            assert await guessed(api, address, LIMIT + 1) == USED_UP
            assert (await tried(api, address, key)).status_code == 200


async def test_who_was_known_before_goes_on_and_who_was_not_waits(strict: Api, tenant: str, address: str) -> None:
    known, new = [await strict.key("viewer", tenant) for _ in range(2)]
    assert (await tried(strict, address, known)).status_code == 200
    assert await guessed(strict, address, LIMIT + 1) == USED_UP
    # By the framework, by the path of its own, and by the framework again.
    for path, status in (("/v1/scans", 200), (NOT_HERE, 404), ("/v1/scans", 200)):
        assert (await tried(strict, address, known, path)).status_code == status
    assert (await tried(strict, address, new)).status_code == 429
    assert (await tried(strict, address, new, NOT_HERE)).status_code == 429
    assert (await tried(strict, "203.0.113.78", new)).status_code == 200
    # Who has been seen elsewhere meanwhile is known here, too.
    assert (await tried(strict, address, new)).status_code == 200


async def test_what_is_good_takes_nothing(strict: Api, tenant: str, address: str) -> None:
    keys = [await strict.key("viewer", tenant) for _ in range(3 * LIMIT)]
    assert {(await tried(strict, address, key)).status_code for key in keys} == {200}
    assert await guessed(strict, address, LIMIT + 1) == USED_UP


async def test_what_is_good_leaves_the_window_as_it_was_however_large_it_is(
    api: Api, tenant: str, address: str
) -> None:
    assert (await tried(api, address, await api.key("viewer", tenant))).status_code == 200
    async with Redis.from_url(api.settings.redis_url.get_secret_value()) as redis:
        assert await redis.hget(window(address), "count") == b"0"


async def test_a_program_may_begin_with_many_requests_at_once(strict: Api, tenant: str, address: str) -> None:
    key = await strict.key("viewer", tenant)
    answers = await asyncio.gather(*(tried(strict, address, key) for _ in range(10 * LIMIT)))
    assert {answer.status_code for answer in answers} == {200}


async def test_guesses_made_at_once_are_counted_one_by_one(strict: Api, address: str) -> None:
    answers = await asyncio.gather(*(tried(strict, address, guess()) for _ in range(4 * LIMIT)))
    assert sorted(answer.status_code for answer in answers) == [401] * LIMIT + [429] * 3 * LIMIT


async def test_a_key_that_is_over_is_made_up_from_then_on(strict: Api, tenant: str, address: str) -> None:
    key = await strict.key("viewer", tenant)
    assert (await tried(strict, address, key)).status_code == 200
    await execute(strict.owner, "UPDATE api_keys SET revoked_at = now() WHERE namespace = :tenant", tenant=tenant)
    statuses = [(await tried(strict, address, key)).status_code for _ in range(LIMIT + 2)]
    # The first one was known.
    assert statuses == [401, *USED_UP]


async def test_no_credential_and_a_cookie_of_nobody_count_nothing(strict: Api, address: str) -> None:
    for cookie in (None, "guessed"):
        async with strict.anonymous(address) as client:
            headers = {} if cookie is None else {"Cookie": f"{COOKIE}={cookie}"}
            answers = [await client.get("/v1/scans", headers=headers) for _ in range(LIMIT + 1)]
        assert {answer.status_code for answer in answers} == {401}
    assert await guessed(strict, address, LIMIT + 1) == USED_UP


async def test_postgres_is_not_asked_once_the_window_is_used_up(
    without_database: ApiSettings, database_outage: TcpProxy, address: str
) -> None:
    async with running_api(limited(without_database)) as api:
        assert await guessed(api, address, LIMIT + 1) == USED_UP
        database_outage.set(Mode.REFUSE)
        assert await guessed(api, address, 1) == [429]
        assert await guessed(api, "203.0.113.79", 1) == [503]


async def test_the_apiserver_is_not_asked_once_the_window_is_used_up(
    with_faults: ApiSettings, apiserver_faults: FaultProxy, address: str
) -> None:
    def reviews() -> int:
        return sum("tokenreviews" in request for request in apiserver_faults.requests)

    async with running_api(limited(with_faults)) as api:
        statuses = [(await tried(api, address, f"a.{number}.c")).status_code for number in range(LIMIT)]
        assert (statuses, reviews()) == ([401] * LIMIT, LIMIT)
        assert (await tried(api, address, "a.b.c")).status_code == 429
        assert reviews() == LIMIT


async def test_the_provider_is_not_asked_once_the_window_is_used_up(
    oidc_api: Api, provider: Provider, address: str
) -> None:
    assert await guessed(oidc_api, address, LIMIT + 1) == USED_UP
    assert (await tried(oidc_api, address, provider.token())).status_code == 429
    assert provider.requests == []


async def test_a_token_that_was_seen_before_goes_on(oidc_api: Api, provider: Provider, address: str) -> None:
    token = provider.token(sub=address, email=f"{address}@example.com")
    assert (await tried(oidc_api, address, token)).status_code == 200
    expired = [provider.token(exp=number) for number in range(1, LIMIT + 2)]
    assert [(await tried(oidc_api, address, each)).status_code for each in expired] == USED_UP
    assert (await tried(oidc_api, address, token)).status_code == 200


async def test_what_nobody_could_tell_is_not_counted(
    without_database: ApiSettings, database_outage: TcpProxy, address: str
) -> None:
    async with running_api(limited(without_database)) as api:
        # What is given back when its window is over stays counted.
        await until(lambda: time.time() % WINDOW_SECONDS < WINDOW_SECONDS - 15, within=20)
        database_outage.set(Mode.REFUSE)
        assert await guessed(api, address, 2 * LIMIT) == [503] * 2 * LIMIT
        database_outage.set(Mode.FORWARD)

        async def back() -> bool:
            return (await tried(api, "203.0.113.80", guess())).status_code == 401

        await until(back)
        assert await guessed(api, address, LIMIT + 1) == USED_UP


async def test_who_hangs_up_has_guessed_all_the_same(
    without_database: ApiSettings, database_outage: TcpProxy, address: str
) -> None:
    async with (
        running_api(limited(without_database)) as api,
        Redis.from_url(without_database.redis_url.get_secret_value()) as redis,
    ):
        assert (await tried(api, "203.0.113.81", guess())).status_code == 401

        async def asked() -> bool:
            return await redis.hget(window(address), "count") == str(LIMIT).encode()

        database_outage.set(Mode.FREEZE)
        guesses = [asyncio.create_task(tried(api, address, guess())) for _ in range(LIMIT)]
        await until(asked)
        for each in guesses:
            each.cancel()
        await asyncio.gather(*guesses, return_exceptions=True)
        database_outage.set(Mode.FORWARD)
        asking = api.resources.authenticator.unproven._asking._under_way
        await until(lambda: not asking)
        assert await guessed(api, address, 1) == [429]


async def test_behind_a_trusted_proxy_its_clients_are_counted_apart(
    settings: ApiSettings, ports: Ports, tmp_path: Path
) -> None:
    async with (
        running_server(settings, ports, tmp_path, refused_credentials_per_minute=LIMIT) as server,
        server.client() as client,
    ):

        async def through_proxy(address: str) -> int:
            headers = {"Authorization": f"Bearer {guess()}", "X-Forwarded-For": f"192.0.2.1, {address}"}
            return (await client.get("/v1/scans", headers=headers)).status_code

        assert [await through_proxy("198.19.0.1") for _ in range(LIMIT + 1)] == USED_UP
        assert await through_proxy("198.19.0.2") == 401
        # Whoever has a network of IPv6 has many addresses.
        assert [await through_proxy(f"2001:db8::{number:x}") for number in range(LIMIT + 1)] == USED_UP


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("_hidden", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(address: str, counted_as: str) -> None:
    assert network(address) == counted_as


async def test_a_stream_goes_on_while_its_caller_may_not_be_asked_about() -> None:
    async def identify() -> NoReturn:
        raise RateLimited("more than one a minute")

    rights = StandingRights(identify, "team-a", age=0.2)
    rights.ask_at = 0.0
    assert await rights.hold()

    async def over() -> bool:
        return not await rights.hold()

    await until(over)
