"""heartbeat: the lease is extended by its owner alone."""

from typing import Any

from ledger_factories import UNWANTED, claimed, execute, expire_leases, fetch, finish, make_due, running_job
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.heartbeat import PROGRESS_LIMIT, extend_lease
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.types import ClaimedJob, Heartbeat


async def beat(database: Database, job: ClaimedJob, progress: dict[str, Any] | None = None) -> Heartbeat | None:
    async with database.transaction() as session:
        return await extend_lease(session, job.id, job.attempt, lease_seconds=45, progress=progress)


async def test_a_heartbeat_extends_the_lease_from_now(database: Database) -> None:
    job = await running_job(database)
    await execute(database, "UPDATE scan_jobs SET lease_until = now() + interval '1 second'")

    assert await beat(database, job) == Heartbeat(cancel_requested=False)

    ((lease,),) = await fetch(database, "SELECT extract(epoch FROM lease_until - now()) FROM scan_jobs")
    assert 40 < lease <= 45


async def test_a_heartbeat_brings_the_news_that_the_job_should_stop(database: Database) -> None:
    job = await running_job(database)
    async with database.transaction() as session:
        await cancel_scan(session, job.scan_id, UNWANTED)

    assert await beat(database, job) == Heartbeat(cancel_requested=True)


async def test_progress_stays_until_there_is_more(database: Database) -> None:
    job = await running_job(database)

    await beat(database, job, {"percent": 40})
    await beat(database, job)

    assert await fetch(database, "SELECT progress FROM scan_jobs") == [({"percent": 40},)]


async def test_progress_is_bounded(database: Database) -> None:
    job = await running_job(database)

    await beat(database, job, {"log": "x" * PROGRESS_LIMIT, "nul": "\0"})

    ((progress,),) = await fetch(database, "SELECT progress FROM scan_jobs")
    assert set(progress) == {"omitted"}


async def test_an_attempt_that_lost_its_job_hears_so(database: Database) -> None:
    job = await running_job(database)
    await expire_leases(database)
    async with database.transaction() as session:
        await reap_expired(session, limit=10)
    await make_due(database)

    assert await beat(database, job) is None
    successor = await claimed(database, job.id)
    assert await beat(database, job) is None
    assert await beat(database, successor) is not None


async def test_a_finished_job_takes_no_heartbeat(database: Database) -> None:
    job = await running_job(database)
    await finish(database, job)

    assert await beat(database, job) is None
