"""The whole ``secapi-worker`` with real Postgres and Valkey: jobs from their message to their findings, and crashes."""

import asyncio
from uuid import uuid4

import psutil
from redis.asyncio import Redis

from planned_scans import outcome_of, plan_noop_scan, until_outcome
from running_worker import RunningWorker, StartWorker, announce
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.messages import Priority
from waiting import until


async def test_a_job_runs_from_its_message_to_its_findings(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    job_id = await plan_noop_scan(database, findings=4)
    announce(redis_url, job_id)
    outcome = await until_outcome(database, job_id, lambda o: o.scan.state == "succeeded", within=30)
    assert outcome.sightings == 4
    await until(lambda: worker.succeeded() == 1)
    assert worker.metric('secapi_worker_findings_total{kind="new",scanner="noop"}') == 4
    assert worker.metric('secapi_worker_submit_to_finish_seconds_count{priority="normal"}') == 1


async def test_a_duplicate_delivery_runs_the_job_once(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    job_id = await plan_noop_scan(database)
    announce(redis_url, job_id, job_id, job_id)
    await until(lambda: worker.metric('secapi_worker_deliveries_total{result="dropped"}') == 2, within=30)
    assert (await outcome_of(database, job_id)).attempt_states == ["succeeded"]


async def test_a_message_of_no_job_is_dropped(worker: RunningWorker, database: Database, redis_url: str) -> None:
    job_id = await plan_noop_scan(database)
    announce(redis_url, uuid4(), job_id)
    await until_outcome(database, job_id, lambda o: o.job.state == "succeeded", within=30)
    async with Redis.from_url(redis_url) as redis:
        assert await redis.llen("scan.code.normal") == 0


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


async def test_p3_a_killed_process_leaves_no_scanner_and_the_pool_goes_on(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    job_id = await plan_noop_scan(database, seconds=300, children=2)
    announce(redis_url, job_id)
    await until(lambda: len(worker.scanners()) == 3, within=30)
    scanners, (process,) = worker.scanners(), worker.pool()
    process.kill()
    assert psutil.wait_procs(scanners, timeout=5)[1] == []
    another = await plan_noop_scan(database)
    announce(redis_url, another)
    await until_outcome(database, another, lambda o: o.job.state == "succeeded", within=30)
    assert (await outcome_of(database, job_id)).job.state == "running", "the reaper's to take back"


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


async def test_p2_a_frozen_worker_cannot_commit_after_its_lease(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    job_id = await plan_noop_scan(database, seconds=1, findings=3)
    announce(redis_url, job_id)
    await until(worker.scanners, within=30)
    (process,) = worker.pool()
    process.suspend()

    async with asyncio.timeout(20):
        while not await reaped(database):
            await asyncio.sleep(0.1)
    async with database.transaction() as session:
        assert await claim_job(session, job_id, worker="another", lease_seconds=60)
    process.resume()
    await until(lambda: worker.metric('secapi_worker_leases_lost_total{scanner="noop"}') == 1)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.worker) == ("running", "another")
    assert outcome.sightings == 0


async def reaped(database: Database) -> bool:
    """Whether the reaper found a job whose lease had run out."""
    async with database.transaction() as session:
        return bool(await reap_expired(session, limit=10))


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


async def test_a_scanner_cannot_read_the_workers_secrets(worker: RunningWorker) -> None:
    await until(worker.supervisors, within=30)
    # Scanners run as the same user and can read what their parent was started with.
    (supervisor,) = worker.supervisors()
    assert supervisor.environ() == {}
