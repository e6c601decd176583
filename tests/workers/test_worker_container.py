"""``secapi-worker`` as in a container: below tini, or as process 1 itself where somebody replaced the entrypoint."""

import asyncio

import psutil
import pytest

from planned_scans import outcome_of, plan_noop_scan, until_outcome
from process_one import as_process_one, process_one, zombies
from running_worker import StartWorker, announce
from secapi_core.ledger.database import Database
from waiting import until

INITS = pytest.mark.parametrize("init", [("tini", "--"), ()], ids=["below tini", "as process 1"])


@INITS
async def test_sigterm_to_process_one_drains_and_ends_the_container(
    start: StartWorker, database: Database, redis_url: str, init: tuple[str, ...]
) -> None:
    async with start(*as_process_one(*init)) as worker:
        job_id = await plan_noop_scan(database, seconds=3)
        announce(redis_url, job_id)
        await until(worker.scanners, within=30)
        family = worker.processes()
        process_one(worker.process.pid).terminate()
        assert await asyncio.to_thread(worker.process.wait, 15) == 0
        assert psutil.wait_procs(family, timeout=5)[1] == []
    assert (await outcome_of(database, job_id)).job.state == "succeeded"


async def test_a_killed_process_leaves_no_zombie_behind(start: StartWorker, database: Database, redis_url: str) -> None:
    async with start(*as_process_one("tini", "--")) as worker:
        job_id = await plan_noop_scan(database, seconds=300, children=2)
        announce(redis_url, job_id)
        await until(lambda: len(worker.scanners()) == 3, within=30)
        scanners = worker.scanners()
        # The supervisor of scanners loses its parent and is handed to process 1.
        supervisor = psutil.Process(scanners[0].ppid())
        psutil.Process(supervisor.ppid()).kill()
        another = await plan_noop_scan(database)
        announce(redis_url, another)
        await until_outcome(database, another, lambda o: o.job.state == "succeeded", within=30)
        assert psutil.wait_procs([supervisor, *scanners], timeout=5)[1] == []
        await until(lambda: zombies(worker.process.pid) == [])
