"""Summaries of scans in Redis: written by every transition after its commit, the newest stays, and P4."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from ledger_factories import UNWANTED, claimed, fetch, finish, make_database, make_scan, planned_scan
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.delete import delete_scan
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.scan_summaries import ENDED_SECONDS, JITTER, OPEN_SECONDS, UNKNOWN_SECONDS, ScanSummaries
from secapi_core.shared_memory import RedisAway, SharedMemory
from tcp_proxy import Mode, TcpProxy
from waiting import until

NOBODY = UUID(int=0)


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[SharedMemory]:
    """Of an empty Redis, which may take its time on a busy machine."""
    made = SharedMemory(redis_url, connections=8, timeout=5)
    yield made
    await made.close()


@pytest.fixture
def summaries(memory: SharedMemory) -> ScanSummaries:
    return ScanSummaries(memory)


@pytest.fixture
async def database(database_url: str, summaries: ScanSummaries) -> AsyncIterator[Database]:
    """A ledger whose transitions write through."""
    made = make_database(database_url, changed=summaries.put)
    yield made
    await made.close()


@pytest.fixture
async def outage(redis_url: str) -> AsyncIterator[TcpProxy]:
    async with TcpProxy.before("127.0.0.1", int(urlsplit(redis_url).port or 0)) as proxy:
        yield proxy


@pytest.fixture
async def cut_off(redis_url: str, outage: TcpProxy) -> AsyncIterator[ScanSummaries]:
    """What reaches Redis only through ``outage``."""
    address = urlsplit(redis_url)
    memory = SharedMemory(f"redis://:{address.password}@127.0.0.1:{outage.port}/0", connections=2)
    yield ScanSummaries(memory)
    outage.set(Mode.FORWARD)
    await memory.close()


def summary(scan_id: UUID, version: int, *, ended: bool = False, namespace: str = "team-a") -> str:
    """As much of one as Redis looks at."""
    completed = "2026-11-26T00:00:00+00:00" if ended else None
    return json.dumps({"id": str(scan_id), "namespace": namespace, "version": version, "completed_at": completed})


def written(result: str) -> float:
    """How many summaries this became of."""
    return REGISTRY.get_sample_value("secapi_scan_summary_writes_total", {"result": result}) or 0


async def version(summaries: ScanSummaries, scan_id: UUID) -> int | None:
    kept = (await summaries.get(scan_id, None)).summary
    return None if kept is None else kept["version"]


async def ledgers(database: Database, scan_id: UUID) -> Any:
    """The scan as the ledger has it."""
    ((row,),) = await fetch(database, "SELECT to_jsonb(scans) - 'scope' FROM scans WHERE id = :id", id=scan_id)
    return row


async def test_every_step_of_a_scan_is_there_as_soon_as_it_is_committed(
    database: Database, summaries: ScanSummaries
) -> None:
    scan = make_scan()
    seen = []

    async def look() -> None:
        kept = (await summaries.get(scan.id, ["team-a"])).summary
        assert kept == await ledgers(database, scan.id)
        assert kept is not None
        seen.append((kept["state"], kept["deleted_at"] is not None))

    async with database.transaction() as session:
        await register_scan(session, scan)
    await look()
    first, second = await planned_scan(database, 2, scan=scan)
    await look()
    await finish(database, await claimed(database, first))
    await look()
    await finish(database, await claimed(database, second))
    await look()
    async with database.transaction() as session:
        assert await delete_scan(session, scan.id)
    await look()
    assert [state for state, _ in seen] == ["pending", "queued", "running", "succeeded", "succeeded"]
    assert [deleted for _, deleted in seen] == [False] * 4 + [True]


async def cancelled_and_rolled_back(database: Database, scan_id: UUID) -> None:
    async with database.transaction() as session:
        await cancel_scan(session, scan_id, UNWANTED)
        raise ZeroDivisionError


async def test_what_is_rolled_back_was_never_there(database: Database, summaries: ScanSummaries) -> None:
    scan = make_scan()
    await planned_scan(database, scan=scan)
    before = await version(summaries, scan.id)
    with pytest.raises(ZeroDivisionError):
        await cancelled_and_rolled_back(database, scan.id)
    assert await version(summaries, scan.id) == before == 1


async def test_an_older_summary_never_replaces_a_newer_one(summaries: ScanSummaries) -> None:
    scan, older = uuid4(), written("older")
    await summaries.put([summary(scan, 3)])
    await summaries.put([summary(scan, 2)])
    assert (await version(summaries, scan), written("older")) == (3, older + 1)
    await summaries.put([summary(scan, 4), summary(scan, 5)])
    assert await version(summaries, scan) == 5


async def test_of_many_that_race_the_newest_stays(summaries: ScanSummaries) -> None:
    scans = [uuid4() for _ in range(5)]
    writes = [(scan, number) for scan in scans for number in range(1, 21)]
    random.Random(4711).shuffle(writes)  # noqa: S311 - the same each time
    await asyncio.gather(*(summaries.put([summary(scan, number)]) for scan, number in writes))
    assert {await version(summaries, scan) for scan in scans} == {20}


async def test_who_knows_of_a_newer_version_has_the_older_one_forgotten(summaries: ScanSummaries) -> None:
    scan = uuid4()
    await summaries.put([summary(scan, 3)])
    await summaries.outdate({scan: 3})
    assert await version(summaries, scan) == 3
    await summaries.outdate({scan: 4})
    assert await version(summaries, scan) is None
    await summaries.put([summary(scan, 3)])  # read before, and late
    assert await version(summaries, scan) is None
    await summaries.put([summary(scan, 4)])
    assert await version(summaries, scan) == 4


async def test_that_somebody_may_see_no_such_scan_holds_for_them_alone(summaries: ScanSummaries) -> None:
    scan = uuid4()
    await summaries.put_unknown(scan, ["team-a", "team-b"])
    assert (await summaries.get(scan, ["team-b", "team-a"])).unknown
    assert not (await summaries.get(scan, ["team-a"])).unknown
    assert not (await summaries.get(scan, None)).unknown


async def test_a_scan_that_becomes_known_is_unknown_to_nobody(summaries: ScanSummaries) -> None:
    scan = uuid4()
    await summaries.put_unknown(scan, ["team-a"])
    await summaries.put([summary(scan, 1)])
    await summaries.put_unknown(scan, ["team-b"])  # asked before, and late
    assert [(await summaries.get(scan, [name])).unknown for name in ("team-a", "team-b")] == [False, False]


async def test_everything_ends_by_itself_and_not_all_at_once(summaries: ScanSummaries, memory: SharedMemory) -> None:
    writes: dict[float, Callable[[UUID], Awaitable[None]]] = {
        OPEN_SECONDS: lambda scan: summaries.put([summary(scan, 1)]),
        ENDED_SECONDS: lambda scan: summaries.put([summary(scan, 1, ended=True)]),
        UNKNOWN_SECONDS: lambda scan: summaries.put_unknown(scan, None),
    }
    for seconds, write in writes.items():
        left = []
        for scan in [uuid4() for _ in range(10)]:
            await write(scan)
            left.append(await memory.client.pttl(f"scan:{scan}"))
        assert all(0 < milliseconds <= seconds * 1000 * (1 + JITTER) for milliseconds in left)
        assert len(set(left)) > 1


async def test_a_mark_lasts_no_longer_because_others_ask_too(summaries: ScanSummaries, memory: SharedMemory) -> None:
    scan = uuid4()
    await summaries.put_unknown(scan, ["team-a"])
    await memory.client.pexpire(f"scan:{scan}", 200)
    await summaries.put_unknown(scan, ["team-b"])
    assert 0 < await memory.client.pttl(f"scan:{scan}") <= 200


async def test_a_full_redis_has_no_older_summary_than_the_ledger(
    summaries: ScanSummaries, memory: SharedMemory
) -> None:
    scan = uuid4()
    await summaries.put([summary(scan, 1, ended=True)])
    await memory.client.config_set("maxmemory", 1)
    try:
        await summaries.put([summary(scan, 2, ended=True)])
        assert await version(summaries, scan) is None
    finally:
        await memory.client.config_set("maxmemory", 0)


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_a_transition_is_committed_and_hardly_later(
    database_url: str, cut_off: ScanSummaries, outage: TcpProxy, mode: Mode
) -> None:
    away = written("away")
    outage.set(mode)
    database = make_database(database_url, changed=cut_off.put)
    started = time.monotonic()
    scan = make_scan()
    (job,) = await planned_scan(database, scan=scan)
    await finish(database, await claimed(database, job))
    assert time.monotonic() - started < 3
    assert (await ledgers(database, scan.id))["state"] == "succeeded"
    assert written("away") - away >= 3
    with pytest.raises(RedisAway):
        await cut_off.get(scan.id, None)
    await database.close()


async def test_a_flushed_redis_knows_nothing_and_learns_again(summaries: ScanSummaries, memory: SharedMemory) -> None:
    scan = uuid4()
    await summaries.put([summary(scan, 7)])
    await memory.client.flushall()
    assert await summaries.get(scan, None) == await summaries.get(NOBODY, None)
    await summaries.put([summary(scan, 7)])
    assert await version(summaries, scan) == 7


async def test_many_who_ask_at_once_get_their_own_answers(summaries: ScanSummaries) -> None:
    scans = [uuid4() for _ in range(100)]
    await summaries.put([summary(scan, number) for number, scan in enumerate(scans, 1)])
    asking = [asyncio.create_task(version(summaries, scan)) for scan in scans]
    await asyncio.sleep(0)
    asking[3].cancel()  # whoever has gone holds up nobody
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [number for number in found if isinstance(number, int)] == [n for n in range(1, 101) if n != 4]


async def test_redis_is_asked_again_when_it_is_back(cut_off: ScanSummaries, outage: TcpProxy) -> None:
    scan = uuid4()
    await cut_off.put([summary(scan, 1)])
    outage.set(Mode.REFUSE)
    with pytest.raises(RedisAway):
        await cut_off.get(scan, None)
    outage.set(Mode.FORWARD)

    async def answers() -> bool:
        try:
            await cut_off.get(scan, None)
        except RedisAway:
            return False
        return True

    await until(answers, within=4)
