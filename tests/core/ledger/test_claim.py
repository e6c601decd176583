"""claim: one worker gets the job, with all it needs."""

import asyncio
from uuid import uuid4

from ledger_factories import SCANNER, claimed, execute, fetch, make_plan, make_scan, planned_scan
from secapi_core.crds.scanrequest import Target
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.types import ClaimedJob
from secapi_core.messages import Priority
from secapi_core.targets import Scope


async def try_claim(database: Database, job_id: object, worker: str = "worker-1") -> ClaimedJob | None:
    async with database.transaction() as session:
        return await claim_job(session, job_id, worker=worker, lease_seconds=60)  # type: ignore[arg-type]  # ids only


async def test_a_claim_gives_the_worker_everything_to_run_the_job(database: Database) -> None:
    scan = make_scan(priority="bulk", maxAttempts=5)
    plan = make_plan(scan)
    (job_id,) = await planned_scan(database, scan=scan)

    job = await claimed(database, job_id)

    assert job.spec == SCANNER
    assert job.scope == Scope()
    assert job.target == Target(url="https://shop.example/0")
    assert (job.id, job.scan_id, job.namespace, job.scanner) == (plan.jobs[0].id, scan.id, "team-a", "bandit")
    assert (job.parameters, job.timeout_seconds, job.max_attempts) == ({"level": 2}, 60, 5)
    assert (job.attempt, job.pool, job.priority) == (1, "code", Priority.BULK)
    assert job.claimed_at >= job.created_at


async def test_a_claim_starts_the_job_its_attempt_and_its_scan(database: Database) -> None:
    (job_id,) = await planned_scan(database)

    job = await claimed(database, job_id, worker="worker-7")

    (row,) = await fetch(
        database,
        "SELECT job.state, job.worker, job.lease_until - now() AS lease, job.started_at, "
        "attempts.state AS attempt_state, attempts.worker AS attempt_worker, "
        "scans.state AS scan_state, scans.started_at AS scan_started_at "
        "FROM scan_jobs AS job JOIN attempts ON job_id = job.id JOIN scans ON scans.id = scan_id",
    )
    assert (row.state, row.attempt_state, row.scan_state) == ("running", "running", "running")
    assert (row.worker, row.attempt_worker) == ("worker-7", "worker-7")
    assert 50 < row.lease.total_seconds() <= 60
    assert row.started_at == row.scan_started_at == job.claimed_at


async def test_a_claim_of_a_running_job_gets_nothing(database: Database) -> None:
    (job_id,) = await planned_scan(database)
    await claimed(database, job_id)

    assert await try_claim(database, job_id) is None
    assert await fetch(database, "SELECT attempt FROM attempts") == [(1,)]


async def test_a_claim_of_an_unknown_job_gets_nothing(database: Database) -> None:
    assert await try_claim(database, uuid4()) is None


async def test_a_job_that_is_not_due_cannot_be_claimed(database: Database) -> None:
    (job_id,) = await planned_scan(database)
    await execute(database, "UPDATE scan_jobs SET not_before = now() + interval '1 minute'")

    assert await try_claim(database, job_id) is None


async def test_of_many_claimers_one_gets_the_job(database: Database) -> None:
    for _ in range(10):
        (job_id,) = await planned_scan(database)

        claims = await asyncio.gather(*(try_claim(database, job_id, f"worker-{n}") for n in range(8)))

        (winner,) = [claim for claim in claims if claim]
        assert winner.attempt == 1
        assert await fetch(database, "SELECT attempt FROM attempts WHERE job_id = :id", id=job_id) == [(1,)]


async def test_claims_of_two_jobs_of_a_scan_start_it_once(database: Database) -> None:
    job_ids = await planned_scan(database, 2)

    jobs = await asyncio.gather(*(claimed(database, job_id) for job_id in job_ids))

    (scan,) = await fetch(database, "SELECT state, started_at, version FROM scans")
    assert scan.state == "running"
    assert scan.started_at in {job.claimed_at for job in jobs}
    assert scan.version == 2
