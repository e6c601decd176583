"""cancel: what has not begun ends, what runs is asked to stop, what ended stays (promise P8)."""

import asyncio
from uuid import UUID, uuid4

from ledger_factories import (
    UNWANTED,
    claimed,
    fetch,
    finish,
    make_findings,
    make_plan,
    make_scan,
    planned_scan,
    running_job,
)
from notifications import listening
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.database import Database
from secapi_core.ledger.states import ScanState
from secapi_core.ledger.transitions.cancel import cancel_job, cancel_scan
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.plan import plan_scan
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.types import ClaimedJob
from waiting_sessions import until_somebody_waits

GONE = Failure(FailureReason.REQUEST_DELETED, "the ScanRequest was deleted")


async def cancel(database: Database, scan_id: UUID, failure: Failure = UNWANTED) -> ScanState | None:
    async with database.transaction() as session:
        return await cancel_scan(session, scan_id, failure)


async def stopped(database: Database, job: ClaimedJob) -> None:
    async with database.transaction() as session:
        await cancel_job(session, job.id, job.attempt)


async def test_an_unknown_scan_cannot_be_cancelled(database: Database) -> None:
    assert await cancel(database, uuid4()) is None


async def test_a_pending_scan_is_cancelled_at_once(database: Database) -> None:
    scan = make_scan()
    async with database.transaction() as session:
        await register_scan(session, scan)

    async with listening(database, "secapi_scans") as heard:
        assert await cancel(database, scan.id) is ScanState.CANCELLED
        assert await heard.all() == [f"team-a/{scan.name}"]

    (row,) = await fetch(database, "SELECT * FROM scans")
    assert (row.state, row.reason, row.message) == ("cancelled", "Cancelled", UNWANTED.message)
    assert row.completed_at == row.cancel_requested_at


async def test_a_queued_scan_is_cancelled_with_its_jobs(database: Database) -> None:
    scan = make_scan()
    job_ids = await planned_scan(database, 3, scan=scan)

    assert await cancel(database, scan.id) is ScanState.CANCELLED

    assert await fetch(database, "SELECT DISTINCT state, reason FROM scan_jobs") == [("cancelled", "Cancelled")]
    (row,) = await fetch(database, "SELECT * FROM scans")
    assert (row.state, row.jobs_open, row.jobs_cancelled, row.reason) == ("cancelled", 0, 3, "Cancelled")
    async with database.transaction() as session:
        assert await claim_job(session, job_ids[0], worker="worker-1", lease_seconds=60) is None


async def test_a_running_job_is_asked_to_stop_and_the_queued_ones_end(database: Database) -> None:
    scan = make_scan()
    job_ids = await planned_scan(database, 3, scan=scan)
    job = await claimed(database, job_ids[1])

    async with listening(database, "secapi_cancel") as heard:
        assert await cancel(database, scan.id) is ScanState.RUNNING
        assert await heard.all() == [str(job.id)]

    jobs = await fetch(database, "SELECT state, cancel_requested, reason FROM scan_jobs ORDER BY ordinal")
    assert [tuple(row) for row in jobs] == [
        ("cancelled", False, "Cancelled"),
        ("running", True, "Cancelled"),
        ("cancelled", False, "Cancelled"),
    ]
    (row,) = await fetch(database, "SELECT * FROM scans")
    assert (row.state, row.jobs_open, row.jobs_cancelled) == ("running", 1, 2)
    assert row.cancel_requested_at is not None


async def test_the_scan_ends_when_the_running_job_has_stopped(database: Database) -> None:
    job = await running_job(database)
    await cancel(database, job.scan_id, GONE)

    await stopped(database, job)

    assert await fetch(database, "SELECT state, reason, message FROM scans") == [("cancelled", *_parts(GONE))]
    assert await fetch(database, "SELECT state, reason, message FROM scan_jobs") == [("cancelled", *_parts(GONE))]
    assert await fetch(database, "SELECT state FROM attempts") == [("cancelled",)]


async def test_cancelling_again_keeps_the_first_reason(database: Database) -> None:
    job = await running_job(database)
    await cancel(database, job.scan_id, UNWANTED)

    async with listening(database, "secapi_cancel") as heard:
        assert await cancel(database, job.scan_id, GONE) is ScanState.RUNNING
        assert await heard.all() == []
    await stopped(database, job)
    assert await cancel(database, job.scan_id, GONE) is ScanState.CANCELLED

    assert await fetch(database, "SELECT reason FROM scans") == [("Cancelled",)]


async def test_a_finished_scan_cannot_be_cancelled(database: Database) -> None:
    job = await running_job(database)
    await finish(database, job, make_findings(range(2)))
    before = await fetch(database, "SELECT * FROM scans")

    assert await cancel(database, job.scan_id) is ScanState.SUCCEEDED

    assert await fetch(database, "SELECT * FROM scans") == before


async def test_jobs_that_had_finished_keep_their_findings(database: Database) -> None:
    scan = make_scan()
    first, second = [await claimed(database, job_id) for job_id in await planned_scan(database, 2, scan=scan)]
    await finish(database, first, make_findings(range(3)))

    await cancel(database, scan.id)
    await stopped(database, second)

    (row,) = await fetch(database, "SELECT * FROM scans")
    assert (row.state, row.jobs_succeeded, row.jobs_cancelled, row.findings_high) == ("cancelled", 1, 1, 3)


async def test_a_stopped_job_that_was_lost_before_changes_nothing(database: Database) -> None:
    job = await running_job(database)
    await finish(database, job)

    await stopped(database, job)

    assert await fetch(database, "SELECT state FROM scan_jobs") == [("succeeded",)]


async def test_a_scan_planned_while_it_is_cancelled_is_cancelled_with_its_jobs(database: Database) -> None:
    """The canceller looks for jobs, then a planner commits, then the canceller looks at the scan."""
    scan = make_scan()
    made = make_plan(scan, 2)
    async with database.transaction() as session:
        await register_scan(session, scan)
    async with database.transaction() as planner:
        await plan_scan(planner, scan, made)
        cancelling = asyncio.create_task(cancel(database, scan.id))
        await until_somebody_waits(database)
    assert await cancelling is ScanState.CANCELLED

    assert await fetch(database, "SELECT DISTINCT state FROM scan_jobs") == [("cancelled",)]


def _parts(failure: Failure) -> tuple[str, str]:
    return failure.reason.value, failure.message
