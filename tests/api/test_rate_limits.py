"""How much one caller may ask for, counted by all processes together, or by each where Redis is away (P4)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_harness import Api, running_api
from secapi_api.rate_limits import WINDOW_SECONDS, Window
from secapi_api.settings import ApiSettings
from tcp_proxy import Mode, TcpProxy


def limited(settings: ApiSettings, **limits: int) -> ApiSettings:
    return settings.model_copy(update={"tuning": settings.tuning.model_copy(update=limits)})


@pytest.fixture
async def two(settings: ApiSettings) -> AsyncIterator[list[Api]]:
    """Two processes' worth of the API, with few requests a minute."""
    few = limited(settings, reads_per_minute=20, writes_per_minute=5)
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running_api(few)) for _ in range(2)]


def also(client: httpx.AsyncClient, api: Api) -> httpx.AsyncClient:
    """The same caller at another process."""
    other = api.anonymous()
    other.headers = client.headers
    return other


async def test_all_processes_count_together_and_the_answer_says_when_to_come_back(two: list[Api], tenant: str) -> None:
    first = await two[0].client("viewer", tenant)
    clients = [first, also(first, two[1])]
    answers = [await clients[number % 2].get("/v1/scans") for number in range(24)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers].count(200) == 20
    assert {answer.json()["type"] for answer in refused} == {"urn:secapi:problem:rate-limited"}
    assert 1 <= int(refused[0].headers["Retry-After"]) <= WINDOW_SECONDS
    assert refused[0].headers["RateLimit"].startswith('"reads";r=0;t=')


async def test_what_is_left_is_told_with_every_answer(two: list[Api], tenant: str) -> None:
    client = await two[0].client("viewer", tenant)
    left = [(await client.get("/v1/scans")).headers["RateLimit"].split(";")[1] for _ in range(3)]
    assert left == ["r=19", "r=18", "r=17"]
    assert (await client.get("/v1/scans")).headers["RateLimit-Policy"] == f'"reads";q=20;w={WINDOW_SECONDS}'


async def test_reads_and_writes_and_callers_are_counted_apart(two: list[Api], tenant: str) -> None:
    client = await two[0].client("operator", tenant)
    for _ in range(5):
        await client.delete("/v1/sessions/current")
    assert (await client.delete("/v1/sessions/current")).status_code == 429
    assert (await client.get("/v1/scans")).status_code == 200
    assert (await (await two[0].client("operator", tenant)).delete("/v1/sessions/current")).status_code == 204


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_each_process_counts_and_nobody_waits(
    without_redis: ApiSettings, redis_outage: TcpProxy, tenant: str, mode: Mode
) -> None:
    async with running_api(limited(without_redis, reads_per_minute=10)) as api:
        client = await api.client("viewer", tenant)
        redis_outage.set(mode)
        async with asyncio.timeout(10):
            answers = [await client.get("/v1/scans") for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2


@given(st.integers(1, 50), st.integers(1, 60))
def test_what_is_given_back_can_be_taken_again_and_no_more_than_that(limit: int, returned: int) -> None:
    window, now = Window(), 1_000_020.0
    assert window.take(limit, limit, now)[0] == limit
    for _ in range(returned):
        window.give_back(now + 30)
    assert window.take(limit, limit, now + 30)[0] == min(limit, returned)


def test_what_is_given_back_when_its_window_is_over_is_not_taken_off_the_next_one() -> None:
    window, now = Window(), 1_000_020.0
    window.take(5, 5, now)
    window.give_back(now + WINDOW_SECONDS)
    assert window.take(5, 5, now + WINDOW_SECONDS)[0] == 0


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 90), st.integers(1, 5)), min_size=1, max_size=200),
)
def test_no_minute_sees_more_than_the_limit_and_a_bit(limit: int, steps: list[tuple[float, int]]) -> None:
    """The window before is taken to have been even, so the true count may exceed the limit by at most as much again."""
    window, now = Window(), 1_000_000.0
    taken: list[tuple[float, int]] = []
    for pause, wanted in steps:
        now += pause
        count, left, seconds = window.take(limit, wanted, now)
        assert 0 <= count <= wanted
        assert 0 <= left <= limit
        assert 0 < seconds <= WINDOW_SECONDS
        taken.append((now, count))
        number = now // WINDOW_SECONDS
        assert sum(n for at, n in taken if at // WINDOW_SECONDS == number) <= limit
        assert sum(n for at, n in taken if now - at < WINDOW_SECONDS) <= 2 * limit
