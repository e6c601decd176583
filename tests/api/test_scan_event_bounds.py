"""What streams of events cost at most: places, ledger queries, time, and clients that do not read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, event

from event_streams import listening
from ledger_factories import claimed, finish, make_scan, planned_scan
from secapi_api.settings import ApiSettings
from secapi_core.ledger.database import Database
from secapi_core.ledger.types import NewScan
from served_api import ServedApi, served_api
from waiting import until

TUNING = {"event_poll": 0.2, "event_streams_per_caller": 300, "event_stall": 0.5}


@asynccontextmanager
async def serving(settings: ApiSettings, **tuning: float) -> AsyncIterator[ServedApi]:
    changed = settings.tuning.model_copy(update=TUNING | tuning)
    async with served_api(settings.model_copy(update={"tuning": changed})) as served:
        yield served


@pytest.fixture
async def served(settings: ApiSettings) -> AsyncIterator[ServedApi]:
    async with serving(settings) as served:
        yield served


@pytest.fixture
def database(served: ServedApi) -> Database:
    return served.api.owner


@pytest.fixture
def engine(served: ServedApi) -> Engine:
    """What the API asks with."""
    return served.api.resources.ledger.database.engine.sync_engine


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def streams() -> float:
    return sample("secapi_api_event_streams")


def path(scan: NewScan) -> str:
    return f"/v1/scans/{scan.id}/events"


async def test_two_hundred_clients_of_one_scan_cost_as_many_queries_as_one(
    served: ServedApi, database: Database, engine: Engine, tenant: str
) -> None:
    scan = make_scan(tenant)
    jobs = await planned_scan(database, 5, scan=scan)
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "AS known" in statement:
            statements.append(statement)

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(await served.client("viewer", tenant))
        listeners = [await stack.enter_async_context(listening(client, path(scan))) for _ in range(200)]
        await asyncio.gather(*(listener.next(6) for listener in listeners))
        event.listen(engine, "before_cursor_execute", count)
        loop = asyncio.get_running_loop()
        started = loop.time()
        for job in jobs:
            await finish(database, await claimed(database, job))
        rests = await asyncio.gather(*(listener.rest() for listener in listeners))
        seconds = loop.time() - started
        event.remove(engine, "before_cursor_execute", count)
    assert {rest[-1].name for rest in rests} == {"end"}
    # Two statements for each look, and a look every 0.2 s.
    assert 2 <= len(statements) <= 2 * (seconds / 0.2 + 2)


async def test_no_connection_is_held_while_a_stream_waits(
    served: ServedApi, database: Database, engine: Engine, tenant: str
) -> None:
    scan = make_scan(tenant)
    await planned_scan(database, scan=scan)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(await served.client("viewer", tenant))
        for _ in range(30):  # More than the pool has.
            await (await stack.enter_async_context(listening(client, path(scan)))).next(2)
        await until(lambda: "Current Checked out connections: 0" in engine.pool.status())
        assert (await client.get("/v1/scans")).status_code == 200


async def test_a_caller_may_have_so_many_streams_and_a_process_too(settings: ApiSettings, tenant: str) -> None:
    async with serving(settings, event_streams=3, event_streams_per_caller=2) as served, AsyncExitStack() as stack:
        scan = make_scan(tenant)
        await planned_scan(served.api.owner, scan=scan)
        clients = [await stack.enter_async_context(await served.client("viewer", tenant)) for _ in range(2)]
        for number in (0, 0, 1):
            listener = await stack.enter_async_context(listening(clients[number], path(scan)))
            await listener.next(2)
        for client, status, kind in ((clients[0], 429, "too-many-streams"), (clients[1], 503, "unavailable")):
            answer = await client.get(path(scan))
            assert (answer.status_code, answer.json()["type"]) == (status, f"urn:secapi:problem:{kind}")
            assert int(answer.headers["Retry-After"]) > 0
        assert streams() == 3
    assert streams() == 0


async def test_a_stream_ends_after_its_time_and_its_client_goes_on(settings: ApiSettings, tenant: str) -> None:
    async with serving(settings, event_duration=0.5) as served:
        database = served.api.owner
        scan = make_scan(tenant)
        (job,) = await planned_scan(database, scan=scan)
        async with await served.client("viewer", tenant) as client:
            async with listening(client, path(scan)) as listener:
                events = await listener.rest(within=3)
            assert [event.name for event in events] == ["job", "scan"]
            await finish(database, await claimed(database, job))
            async with listening(client, path(scan), events[-1].id) as listener:
                assert [event.name for event in await listener.rest()] == ["job", "scan", "end"]


async def test_a_client_that_reads_nothing_is_cut_off(served: ServedApi, database: Database, tenant: str) -> None:
    scan = make_scan(tenant)
    # More than the buffers of both kernels take.
    await planned_scan(database, 500, scan=scan, parameters={"padding": "x" * 20_000})
    key = await served.api.key("viewer", tenant)
    before = sample("secapi_api_event_streams_ended_total", why="stalled")
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1_024)
    writer.write(f"GET {path(scan)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    await until(lambda: streams() == 1)
    await until(lambda: sample("secapi_api_event_streams_ended_total", why="stalled") == before + 1)
    assert streams() == 0
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(500 * 20_000)
    writer.close()


async def test_a_thousand_clients_that_come_and_go_leave_nothing(
    served: ServedApi, database: Database, engine: Engine, tenant: str
) -> None:
    scans = [make_scan(tenant) for _ in range(10)]
    for scan in scans:
        await planned_scan(database, scan=scan)
    feed = served.api.resources.scan_feed
    tasks = len(asyncio.all_tasks())

    async def come_and_go(client: httpx.AsyncClient, number: int) -> None:
        async with listening(client, path(scans[number % 10])) as listener:
            await listener.next(number % 3)

    async with await served.client("viewer", tenant) as client:
        for batch in range(20):
            await asyncio.gather(*(come_and_go(client, batch * 50 + number) for number in range(50)))
    await until(lambda: streams() == 0)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    assert not feed._scans
    assert not served.api.resources.stream_places._callers
    assert "Current Checked out connections: 0" in engine.pool.status()
