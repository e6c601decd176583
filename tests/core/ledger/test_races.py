"""Transitions that meet: one of them wins, the other sees that it lost, and nothing is counted twice."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random

import pytest
from sqlalchemy import text

from ledger_factories import (
    BROKEN,
    CRASHED,
    REPORT,
    UNWANTED,
    claimed,
    expire_leases,
    fetch,
    finish,
    make_findings,
    make_scan,
    planned_scan,
    running_job,
)
from notifications import listening
from racing_ingest import finish_in_own_process
from secapi_core.errors import CancelRequested, Superseded
from secapi_core.findings import Finding
from secapi_core.ledger.database import Database
from secapi_core.ledger.states import JobState, ScanState
from secapi_core.ledger.transitions.cancel import cancel_job, cancel_scan
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.types import ClaimedJob
from waiting_sessions import until_somebody_waits

ROUNDS = 25


async def cancel(database: Database, job: ClaimedJob) -> ScanState | None:
    async with database.transaction() as session:
        return await cancel_scan(session, job.scan_id, UNWANTED)


async def test_a_cancellation_waits_for_results_being_committed_and_then_comes_too_late(database: Database) -> None:
    job = await running_job(database)

    async with database.transaction() as session:
        await finish_job(session, job, make_findings(range(3)), [], REPORT)
        cancelling = asyncio.create_task(cancel(database, job))
        await until_somebody_waits(database)

    assert await cancelling is ScanState.SUCCEEDED
    assert await fetch(database, "SELECT state, cancel_requested FROM scan_jobs") == [("succeeded", False)]
    assert await fetch(database, "SELECT count(*) FROM sightings") == [(3,)]


async def test_results_wait_for_a_cancellation_being_committed_and_then_come_too_late(database: Database) -> None:
    job = await running_job(database)

    async with database.transaction() as session:
        await cancel_scan(session, job.scan_id, UNWANTED)
        finishing = asyncio.create_task(finish(database, job, make_findings(range(3))))
        await until_somebody_waits(database)

    with pytest.raises(CancelRequested):
        await finishing
    assert await fetch(database, "SELECT state, (SELECT count(*) FROM sightings) FROM scan_jobs") == [("running", 0)]


async def test_of_finish_and_cancel_exactly_one_wins(database: Database) -> None:
    for round_ in range(ROUNDS):
        job = await running_job(database)
        finishing, cancelling = finish(database, job, make_findings([round_])), cancel(database, job)
        racers = (finishing, cancelling) if round_ % 2 else (cancelling, finishing)

        results = await asyncio.gather(*racers, return_exceptions=True)

        lost = any(isinstance(result, CancelRequested) for result in results)
        assert lost or not any(isinstance(result, BaseException) for result in results)
        if lost:
            async with database.transaction() as session:
                await cancel_job(session, job.id, job.attempt)
        (scan,) = await fetch(
            database,
            "SELECT state, jobs_open, jobs_succeeded, jobs_cancelled, findings_high, "
            "(SELECT count(*) FROM sightings WHERE scan_id = scans.id) AS sightings FROM scans WHERE id = :id",
            id=job.scan_id,
        )
        assert tuple(scan) == (("cancelled", 0, 0, 1, 0, 0) if lost else ("succeeded", 0, 1, 0, 1, 1))


async def test_a_reaper_leaves_alone_what_is_being_committed(database: Database) -> None:
    job = await running_job(database)
    await expire_leases(database)

    async with database.transaction() as session:
        await finish_job(session, job, make_findings(range(3)), [], REPORT)
        async with database.transaction() as reaping:
            assert await reap_expired(reaping, limit=10) == []

    assert await fetch(database, "SELECT state, attempt FROM scan_jobs") == [("succeeded", 1)]


async def test_results_that_come_while_the_job_is_reaped_are_dropped(database: Database) -> None:
    job = await running_job(database)
    await expire_leases(database)

    async with database.transaction() as reaping:
        (reaped,) = await reap_expired(reaping, limit=10)
        finishing = asyncio.create_task(finish(database, job, make_findings(range(3))))
        await until_somebody_waits(database)

    assert reaped.state is JobState.QUEUED
    with pytest.raises(Superseded):
        await finishing
    assert await fetch(database, "SELECT state, (SELECT count(*) FROM sightings) FROM scan_jobs") == [("queued", 0)]


async def test_of_reap_and_finish_exactly_one_wins(database: Database) -> None:
    async def reap() -> list[object]:
        async with database.transaction() as session:
            return list(await reap_expired(session, limit=10))

    for round_ in range(ROUNDS):
        job = await running_job(database)
        await expire_leases(database)

        finished, reaped = await asyncio.gather(
            finish(database, job, make_findings([round_])), reap(), return_exceptions=True
        )

        assert isinstance(finished, Superseded) == bool(reaped)
        ((state, sightings),) = await fetch(
            database,
            "SELECT state, (SELECT count(*) FROM sightings WHERE job_id = scan_jobs.id) FROM scan_jobs WHERE id = :id",
            id=job.id,
        )
        assert (state, sightings) == (("queued", 0) if reaped else ("succeeded", 1))


async def test_a_claim_waits_for_a_cancellation_and_then_gets_nothing(database: Database) -> None:
    scan = make_scan()
    (job_id,) = await planned_scan(database, scan=scan)

    async def claim() -> ClaimedJob | None:
        async with database.transaction() as session:
            return await claim_job(session, job_id, worker="worker-1", lease_seconds=60)

    async with database.transaction() as session:
        assert await cancel_scan(session, scan.id, UNWANTED) is ScanState.CANCELLED
        claiming = asyncio.create_task(claim())
        await until_somebody_waits(database)

    assert await claiming is None
    assert await fetch(database, "SELECT state FROM scans") == [("cancelled",)]


async def test_a_cancellation_waits_for_a_claim_and_then_asks_it_to_stop(database: Database) -> None:
    scan = make_scan()
    (job_id,) = await planned_scan(database, scan=scan)

    async with database.transaction() as session:
        job = await claim_job(session, job_id, worker="worker-1", lease_seconds=60)
        assert job is not None
        cancelling = asyncio.create_task(cancel(database, job))
        await until_somebody_waits(database)

    assert await cancelling is ScanState.RUNNING
    assert await fetch(database, "SELECT state, cancel_requested FROM scan_jobs") == [("running", True)]


async def test_claims_finishes_and_cancellations_of_one_scan_do_not_deadlock(database: Database) -> None:
    for _ in range(5):
        job_ids = await planned_scan(database, 8)
        jobs = [await claimed(database, job_id) for job_id in job_ids[:5]]

        async def claim_late(job_id: object) -> None:
            async with database.transaction() as session:
                await claim_job(session, job_id, worker="late", lease_seconds=60)  # type: ignore[arg-type]  # ids only

        results = await asyncio.gather(
            *(finish(database, job, make_findings(range(20), target=job.target_key)) for job in jobs),
            *(claim_late(job_id) for job_id in job_ids[5:]),
            cancel(database, jobs[0]),
            return_exceptions=True,
        )

        assert not [r for r in results if isinstance(r, BaseException) and not isinstance(r, CancelRequested)]
        ((jobs_open, open_jobs),) = await fetch(
            database,
            "SELECT jobs_open, (SELECT count(*) FROM scan_jobs WHERE scan_id = scans.id "
            "AND state IN ('queued', 'running')) FROM scans WHERE id = :id",
            id=jobs[0].scan_id,
        )
        assert jobs_open == open_jobs


async def test_jobs_that_end_at_the_same_time_end_their_scan_once(database: Database) -> None:
    scan = make_scan()
    jobs = [await claimed(database, job_id) for job_id in await planned_scan(database, 12, scan=scan)]

    async def fail(job: ClaimedJob) -> None:
        async with database.transaction() as session:
            await fail_job(session, job.id, job.attempt, BROKEN, REPORT)

    async with listening(database, "secapi_scans") as heard:
        await asyncio.gather(
            *(finish(database, job, make_findings([n])) for n, job in enumerate(jobs[:9])), *map(fail, jobs[9:])
        )
        assert await heard.all() == [f"team-a/{scan.name}"]

    (row,) = await fetch(database, "SELECT * FROM scans")
    assert (row.state, row.jobs_open, row.jobs_succeeded, row.jobs_failed) == ("failed", 0, 9, 3)
    assert (row.findings_high, row.findings_new) == (9, 9)
    # Whoever came last saw the failures of all the others.
    assert row.message == "3 of 12 jobs failed; bandit on url:https://shop.example:443/9: the report is not JSON"


async def test_a_job_that_ends_twice_at_the_same_time_ends_once(database: Database) -> None:
    for _ in range(ROUNDS):
        job = await running_job(database)

        async def fail(failing: ClaimedJob = job) -> JobState:
            async with database.transaction() as session:
                return await fail_job(session, failing.id, failing.attempt, CRASHED, REPORT)

        results = await asyncio.gather(finish(database, job), finish(database, job), fail(), return_exceptions=True)

        assert sum(isinstance(result, Superseded) for result in results) == 2
        assert sum(isinstance(result, BaseException) for result in results) == 2


async def test_eight_reports_of_the_same_findings_make_no_deadlock_and_no_duplicate(
    database: Database, database_url: str
) -> None:
    # Each knows two thirds of the findings, in an order of its own; four come from each of two processes.
    reports = [
        ((await planned_scan(database))[0], Random(seed).sample(range(3_000), 2_000))  # noqa: S311 - a fixed order
        for seed in range(8)
    ]

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        running = [processes.submit(finish_in_own_process, database_url, part) for part in (reports[:4], reports[4:])]
        counts = [count for part in await asyncio.gather(*map(asyncio.wrap_future, running)) for count in part]

    distinct = len({number for _, numbers in reports for number in numbers})
    assert [count.seen for count in counts] == [2_000] * 8
    assert sum(count.new for count in counts) == distinct
    assert await fetch(database, "SELECT count(*), count(DISTINCT fingerprint) FROM findings") == [(distinct, distinct)]
    assert await fetch(database, "SELECT count(*), count(*) FILTER (WHERE is_new) FROM sightings") == [
        (16_000, distinct)
    ]


async def test_reports_that_change_the_same_findings_in_other_orders_do_not_deadlock(database: Database) -> None:
    await finish(database, await running_job(database), make_findings(range(300)))

    async def change(number: int) -> None:
        findings = make_findings(range(300), title=f"Said by {number}")
        Random(number).shuffle(findings)  # noqa: S311 - a fixed order
        await finish(database, await running_job(database), findings)

    await asyncio.gather(*(change(number) for number in range(8)))

    ((titles, versions),) = await fetch(database, "SELECT count(DISTINCT title), min(version) FROM findings")
    assert titles == 1
    assert versions == 9


async def test_changed_findings_are_locked_in_the_order_of_their_fingerprints(database: Database) -> None:
    """Whoever else locks several, as triage in bulk does, can then not deadlock with a report."""

    def descending(**fields: str) -> list[tuple[bytes, Finding]]:
        return sorted(make_findings(range(50), **fields), key=lambda pair: pair[0], reverse=True)

    await finish(database, await running_job(database), descending())
    job = await running_job(database)

    async with database.transaction() as session:
        await session.execute(text("SELECT id FROM findings ORDER BY fingerprint LIMIT 1 FOR UPDATE"))
        finishing = asyncio.create_task(finish(database, job, descending(title="Said differently")))
        await until_somebody_waits(database)
        # Free as long as the report waits for the first one.
        await session.execute(text("SELECT id FROM findings ORDER BY fingerprint DESC LIMIT 1 FOR UPDATE NOWAIT"))

    assert (await finishing).seen == 50
