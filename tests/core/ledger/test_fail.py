"""fail and release: an attempt that brought nothing (promise P7)."""

import pytest

from ledger_factories import (
    BROKEN,
    CRASHED,
    REPORT,
    UNWANTED,
    claimed,
    fetch,
    finish,
    make_due,
    make_findings,
    make_scan,
    planned_scan,
    running_job,
)
from notifications import listening
from secapi_core.errors import Superseded
from secapi_core.failures import Failure
from secapi_core.ledger.database import Database
from secapi_core.ledger.states import JobState
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.release import release_job
from secapi_core.ledger.types import ClaimedJob


async def fail(database: Database, job: ClaimedJob, failure: Failure = CRASHED) -> JobState:
    async with database.transaction() as session:
        return await fail_job(session, job.id, job.attempt, failure, REPORT)


async def release(database: Database, job: ClaimedJob) -> None:
    async with database.transaction() as session:
        await release_job(session, job.id, job.attempt)


async def cancel(database: Database, job: ClaimedJob) -> None:
    async with database.transaction() as session:
        await cancel_scan(session, job.scan_id, UNWANTED)


async def again(database: Database, job: ClaimedJob) -> ClaimedJob:
    await make_due(database)
    return await claimed(database, job.id)


async def test_a_retryable_failure_queues_the_job_for_later(database: Database) -> None:
    job = await running_job(database)

    assert await fail(database, job) is JobState.QUEUED

    (row,) = await fetch(
        database,
        "SELECT j.*, o.queue, j.not_before - now() AS delay, o.not_before = j.not_before AS same "
        "FROM scan_jobs j JOIN outbox o ON o.job_id = j.id ORDER BY o.id DESC LIMIT 1",
    )
    assert (row.state, row.worker, row.lease_until, row.queue) == ("queued", None, None, "scan.code.normal")
    assert (row.reason, row.message) == ("ScannerCrashed", "the scanner crashed")
    assert row.delay.total_seconds() <= 5
    assert row.same
    assert await fetch(database, "SELECT state, jobs_open FROM scans") == [("running", 1)]


async def test_a_failed_attempt_keeps_its_reason_and_report(database: Database) -> None:
    await fail(database, await running_job(database))

    (row,) = await fetch(database, "SELECT * FROM attempts")
    assert (row.state, row.reason, row.message) == ("failed", "ScannerCrashed", "the scanner crashed")
    assert (row.exit_code, row.log_tail, row.stats) == (0, "done", {"scanSeconds": 1.5})
    assert row.finished_at is not None


async def test_the_next_attempt_can_succeed(database: Database) -> None:
    job = await running_job(database)
    await fail(database, job)

    second = await again(database, job)
    await finish(database, second, make_findings(range(2)))

    assert second.attempt == 2
    assert await fetch(database, "SELECT state, reason FROM scan_jobs") == [("succeeded", None)]
    assert await fetch(database, "SELECT state FROM attempts ORDER BY attempt") == [("failed",), ("succeeded",)]


async def test_a_failure_that_no_retry_can_help_ends_the_job(database: Database) -> None:
    job = await running_job(database)

    assert await fail(database, job, BROKEN) is JobState.FAILED

    (scan,) = await fetch(database, "SELECT * FROM scans")
    assert (scan.state, scan.reason, scan.jobs_failed) == ("failed", "OutputInvalid", 1)
    assert scan.message == ("1 of 1 jobs failed; bandit on url:https://shop.example:443/0: the report is not JSON")
    assert await fetch(database, "SELECT id FROM dead_letters") == []


async def test_a_scan_names_the_first_of_its_failed_jobs(database: Database) -> None:
    jobs = [await claimed(database, job_id) for job_id in await planned_scan(database, 3)]

    await fail(database, jobs[2], BROKEN)
    await finish(database, jobs[0])
    await fail(database, jobs[1], Failure(BROKEN.reason, "cut off"))

    ((message,),) = await fetch(database, "SELECT message FROM scans")
    assert message == "2 of 3 jobs failed; bandit on url:https://shop.example:443/1: cut off"


async def test_a_job_out_of_attempts_is_dead_and_in_the_dead_letter_list(database: Database) -> None:
    job = await running_job(database, scan=make_scan(maxAttempts=2))
    assert await fail(database, job) is JobState.QUEUED

    assert await fail(database, await again(database, job)) is JobState.DEAD

    (letter,) = await fetch(database, "SELECT * FROM dead_letters")
    assert (letter.job_id, letter.scan_id, letter.namespace, letter.scanner) == (
        job.id,
        job.scan_id,
        "team-a",
        "bandit",
    )
    assert (letter.attempts, letter.reason, letter.message, letter.worker) == (
        2,
        "ScannerCrashed",
        "the scanner crashed",
        "worker-1",
    )
    (scan,) = await fetch(database, "SELECT * FROM scans")
    assert (scan.state, scan.reason, scan.jobs_failed, scan.jobs_open) == ("failed", "ScannerCrashed", 1, 0)


async def test_a_job_that_may_be_tried_once_dies_at_once(database: Database) -> None:
    job = await running_job(database, scan=make_scan(maxAttempts=1))

    assert await fail(database, job) is JobState.DEAD


async def test_a_released_job_is_due_at_once(database: Database) -> None:
    job = await running_job(database)

    await release(database, job)

    second = await claimed(database, job.id, worker="worker-2")
    assert second.attempt == 2
    assert await fetch(database, "SELECT state FROM attempts ORDER BY attempt") == [("released",), ("running",)]
    assert await fetch(database, "SELECT count(*) FROM outbox") == [(2,)]


async def test_released_attempts_cost_nothing(database: Database) -> None:
    job = await running_job(database, scan=make_scan(maxAttempts=2))
    for _ in range(3):
        await release(database, job)
        job = await again(database, job)

    assert await fail(database, job) is JobState.QUEUED
    assert await fail(database, await again(database, job)) is JobState.DEAD


async def test_an_attempt_that_lost_its_job_cannot_fail_it(database: Database) -> None:
    job = await running_job(database)
    await release(database, job)
    successor = await claimed(database, job.id, worker="worker-2")

    with pytest.raises(Superseded):
        await fail(database, job)

    assert await fetch(database, "SELECT state, attempt, worker FROM scan_jobs") == [
        ("running", successor.attempt, "worker-2")
    ]


async def test_an_attempt_that_lost_its_job_releases_nothing(database: Database) -> None:
    job = await running_job(database)
    await release(database, job)
    await claimed(database, job.id, worker="worker-2")

    await release(database, job)

    assert await fetch(database, "SELECT state, worker FROM scan_jobs") == [("running", "worker-2")]


async def test_a_failure_of_a_job_that_should_stop_cancels_it(database: Database) -> None:
    job = await running_job(database)
    await cancel(database, job)

    assert await fail(database, job) is JobState.CANCELLED

    assert await fetch(database, "SELECT state, reason FROM scan_jobs") == [("cancelled", "Cancelled")]
    assert await fetch(database, "SELECT state, reason FROM scans") == [("cancelled", "Cancelled")]


async def test_a_release_of_a_job_that_should_stop_cancels_it(database: Database) -> None:
    job = await running_job(database)
    await cancel(database, job)

    await release(database, job)

    assert await fetch(database, "SELECT state FROM scan_jobs") == [("cancelled",)]


async def test_the_publisher_hears_of_a_retry(database: Database) -> None:
    job = await running_job(database)
    async with listening(database, "secapi_outbox") as heard:
        await fail(database, job)

        assert await heard.all() == [""]
