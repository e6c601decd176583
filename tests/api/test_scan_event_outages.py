"""Hints between processes through Redis, and that following a scan only gets slower without (promise P4)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from api_harness import owner_url
from event_streams import listening
from ledger_factories import claimed, finish, make_database, make_scan, planned_scan
from secapi_api.settings import ApiSettings
from secapi_core.ledger.types import NewScan
from served_api import ServedApi, served_api
from tcp_proxy import Mode, TcpProxy
from waiting import until

NEVER = 60.0


def polling(settings: ApiSettings, seconds: float) -> ApiSettings:
    return settings.model_copy(update={"tuning": settings.tuning.model_copy(update={"event_poll": seconds})})


async def heard_by(redis: Redis, processes: int) -> bool:
    """Whether so many of this test's processes hear hints now."""
    clients = [client for client in await redis.client_list() if client["cmd"] == "subscribe"]
    return len(clients) >= processes if processes else not clients


def path(scan: NewScan) -> str:
    return f"/v1/scans/{scan.id}/events"


@pytest.fixture
async def two(settings: ApiSettings) -> AsyncIterator[list[ServedApi]]:
    """Two processes' worth of the API that look at the ledger only when they are told to."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(served_api(polling(settings, NEVER))) for _ in range(2)]


@pytest.fixture
async def cut_off(without_redis: ApiSettings, redis_outage: TcpProxy) -> AsyncIterator[ServedApi]:
    async with served_api(polling(without_redis, 0.3)) as served:
        yield served
        redis_outage.set(Mode.FORWARD)


async def test_a_cancellation_through_one_process_is_told_at_once_by_the_other(
    two: list[ServedApi], settings: ApiSettings, namespace: str
) -> None:
    one, other = two
    scan = make_scan(namespace)
    await planned_scan(one.api.owner, scan=scan)
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        await until(lambda: heard_by(redis, 2))
    key = await one.api.key("operator", namespace)
    async with (
        one.holding(key) as here,
        other.holding(key) as there,
        listening(here, path(scan)) as s,
    ):
        await s.next(2)
        assert (await there.post(f"/v1/scans/{scan.id}/cancel")).status_code == 202
        assert [event.name for event in await s.rest(within=5)] == ["job", "scan", "end"]


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_changes_are_found_by_asking(
    cut_off: ServedApi, redis_outage: TcpProxy, tenant: str, mode: Mode
) -> None:
    scan = make_scan(tenant)
    database = cut_off.api.owner
    (job,) = await planned_scan(database, scan=scan)
    async with await cut_off.client("viewer", tenant) as client, listening(client, path(scan)) as before:
        await before.next(2)
        redis_outage.set(mode)
        async with listening(client, path(scan)) as during:
            await during.next(2)
            await finish(database, await claimed(database, job))
            for listener in (before, during):
                assert [event.name for event in await listener.rest(within=3)][-2:] == ["scan", "end"]


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_hints_are_heard_again_when_redis_is_back(
    cut_off: ServedApi, redis_outage: TcpProxy, settings: ApiSettings, mode: Mode
) -> None:
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        await until(lambda: heard_by(redis, 1))
        connections = redis_outage.accepted
        redis_outage.set(mode)
        await until(lambda: redis_outage.accepted > connections, within=20)
        redis_outage.set(Mode.FORWARD)
        await until(lambda: heard_by(redis, 1), within=15)


async def test_a_flush_disturbs_no_stream(cut_off: ServedApi, settings: ApiSettings, tenant: str) -> None:
    scan = make_scan(tenant)
    database = cut_off.api.owner
    (job,) = await planned_scan(database, scan=scan)
    async with await cut_off.client("viewer", tenant) as client, listening(client, path(scan)) as s:
        await s.next(2)
        async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            await redis.flushall()
        await finish(database, await claimed(database, job))
        assert [event.name for event in await s.rest(within=3)][-2:] == ["scan", "end"]


async def test_a_stream_outlives_an_outage_of_postgres(
    without_database: ApiSettings, database_outage: TcpProxy, tenant: str, shared_database_url: str
) -> None:
    async with served_api(polling(without_database, 0.3)) as served:
        scan = make_scan(tenant)
        direct = make_database(owner_url(shared_database_url), connections=1)
        (job,) = await planned_scan(direct, scan=scan)
        async with await served.client("viewer", tenant) as client, listening(client, path(scan)) as listener:
            await listener.next(2)
            database_outage.set(Mode.REFUSE)
            await finish(direct, await claimed(direct, job))
            assert (await client.get("/v1/scans")).status_code == 503
            database_outage.set(Mode.FORWARD)
            assert [event.name for event in await listener.rest()] == ["job", "scan", "end"]
        await direct.close()
