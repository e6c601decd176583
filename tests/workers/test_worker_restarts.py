"""``secapi-worker`` as it starts, replaces its processes, and starts again after it was killed."""

import asyncio

import psutil

from planned_scans import outcome_of, plan_noop_scan, until_outcome
from running_worker import StartWorker, announce
from secapi_core.ledger.database import Database
from secapi_core.messages import Priority
from waiting import until


async def test_urgent_jobs_go_first_whatever_their_pool(start: StartWorker, database: Database, redis_url: str) -> None:
    jobs = {}
    for priority in (Priority.BULK, Priority.NORMAL, Priority.INTERACTIVE):
        for pool in ("code", "network"):
            job_id = await plan_noop_scan(database, spec={"priority": priority})
            announce(redis_url, job_id, pool=pool, priority=priority)
            jobs[job_id] = priority
    async with start():
        for job_id in jobs:
            await until_outcome(database, job_id, lambda o: o.job.state == "succeeded", within=30)
    started = {job_id: (await outcome_of(database, job_id)).attempts[0].started_at for job_id in jobs}
    order = [jobs[job_id] for job_id in sorted(jobs, key=lambda job_id: started[job_id])]
    assert order == sorted(order, key=list(Priority).index)


async def test_p3_a_killed_worker_leaves_no_process_and_the_next_one_removes_its_files(
    start: StartWorker, database: Database, redis_url: str
) -> None:
    async with start() as worker:
        job_id = await plan_noop_scan(database, seconds=300, children=2)
        announce(redis_url, job_id)
        await until(worker.scanners, within=30)
        family = worker.processes()
        worker.process.kill()
        assert psutil.wait_procs(family, timeout=5)[1] == []
    async with start() as worker:
        await until(worker.is_ready, within=30)


async def test_metrics_survive_the_replacement_of_processes(
    start: StartWorker, database: Database, redis_url: str
) -> None:
    async with start(SECAPI_WORKER_JOBS_PER_PROCESS="1") as worker:
        for done in (1.0, 2.0, 3.0):
            job_id = await plan_noop_scan(database)
            announce(redis_url, job_id)
            await until_outcome(database, job_id, lambda o: o.job.state == "succeeded", within=30)
            async with asyncio.timeout(10):
                while worker.succeeded() != done:
                    await asyncio.sleep(0.05)
        assert len(list((worker.directory / "work").glob("process-*/metrics/counter_*.db"))) <= 2
