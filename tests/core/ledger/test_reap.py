"""reap: jobs of silent workers get another attempt (promise P3)."""

from ledger_factories import (
    UNWANTED,
    claimed,
    expire_leases,
    fetch,
    make_due,
    make_scan,
    planned_scan,
    running_job,
)
from notifications import listening
from secapi_core.ledger.database import Database
from secapi_core.ledger.states import JobState
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.heartbeat import extend_lease
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.types import ReapedJob


async def reap(database: Database, limit: int = 100) -> list[ReapedJob]:
    async with database.transaction() as session:
        return await reap_expired(session, limit=limit)


async def test_a_lease_that_holds_is_left_alone(database: Database) -> None:
    await running_job(database)

    assert await reap(database) == []
    assert await fetch(database, "SELECT state FROM scan_jobs") == [("running",)]


async def test_a_job_whose_lease_ran_out_is_queued_at_once(database: Database) -> None:
    job = await running_job(database)
    await expire_leases(database)

    async with listening(database, "secapi_outbox") as heard:
        assert await reap(database) == [ReapedJob(job.id, job.scan_id, "team-a", "bandit", "code", 1, JobState.QUEUED)]
        assert await heard.all() == [""]

    assert await fetch(database, "SELECT state, reason, worker FROM attempts") == [("lost", "WorkerLost", "worker-1")]
    successor = await claimed(database, job.id, worker="worker-2")
    assert successor.attempt == 2
    assert await fetch(database, "SELECT count(*) FROM outbox WHERE not_before <= now()") == [(2,)]


async def test_a_job_that_kills_its_workers_ends_in_the_dead_letter_list(database: Database) -> None:
    job = await running_job(database, scan=make_scan(maxAttempts=3))
    states = []
    for _ in range(3):
        await expire_leases(database)
        states += [reaped.state for reaped in await reap(database)]
        await make_due(database)
        if states[-1] is JobState.QUEUED:
            job = await claimed(database, job.id)

    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.DEAD]
    assert await fetch(database, "SELECT attempts, reason FROM dead_letters") == [(3, "WorkerLost")]
    assert await fetch(database, "SELECT state, reason FROM scans") == [("failed", "WorkerLost")]


async def test_a_lost_job_that_should_stop_is_cancelled(database: Database) -> None:
    job = await running_job(database)
    async with database.transaction() as session:
        await cancel_scan(session, job.scan_id, UNWANTED)
    await expire_leases(database)

    (reaped,) = await reap(database)

    assert reaped.state is JobState.CANCELLED
    assert await fetch(database, "SELECT state, reason FROM scans") == [("cancelled", "Cancelled")]


async def test_jobs_of_many_scans_are_reaped_up_to_the_limit(database: Database) -> None:
    for _ in range(3):
        for job_id in await planned_scan(database, 2):
            await claimed(database, job_id)
    await expire_leases(database)

    assert len(await reap(database, limit=4)) == 4
    assert len(await reap(database, limit=4)) == 2
    assert await reap(database) == []


async def test_a_job_that_is_being_committed_is_not_reaped(database: Database) -> None:
    job = await running_job(database)
    await expire_leases(database)

    async with database.transaction() as committing:
        await extend_lease(committing, job.id, job.attempt, lease_seconds=60, progress=None)
        assert await reap(database) == []


async def test_two_reapers_share_the_work(database: Database) -> None:
    for job_id in await planned_scan(database, 4):
        await claimed(database, job_id)
    await expire_leases(database)

    async with database.transaction() as first, database.transaction() as second:
        mine = await reap_expired(first, limit=2)
        theirs = await reap_expired(second, limit=2)

    assert len({job.id for job in mine + theirs}) == 4
