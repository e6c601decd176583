"""finish: one attempt's results become the scan's, all at once or not at all (promise P2)."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ledger_factories import (
    UNWANTED,
    claimed,
    expire_leases,
    fetch,
    finish,
    make_due,
    make_findings,
    make_scan,
    planned_scan,
    running_job,
)
from notifications import listening
from secapi_core.errors import CancelRequested, Superseded
from secapi_core.findings import Finding, Quarantined, Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.types import ClaimedJob

ODD = Quarantined(3, "no rule", "{}")


async def snapshot(database: Database) -> list[list[object]]:
    """Every row of every table that a finish may touch."""
    tables = ("scans", "scan_jobs", "attempts", "findings", "sightings", "outbox", "dead_letters")
    return [await fetch(database, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]  # noqa: S608 - our names


async def superseded(database: Database) -> ClaimedJob:
    """A claimed job that another worker has claimed since."""
    job = await running_job(database)
    await expire_leases(database)
    async with database.transaction() as session:
        await reap_expired(session, limit=10)
    await make_due(database)
    await claimed(database, job.id, worker="worker-2")
    return job


async def test_a_finished_job_has_its_findings_counts_and_report(database: Database) -> None:
    job = await running_job(database)
    findings = [*make_findings(range(3)), *make_findings([3], severity=Severity.LOW)]

    counts = await finish(database, job, findings, [ODD])

    assert (counts.seen, counts.new, counts.quarantined) == (4, 4, 1)
    assert counts.by_severity == {s: {"high": 3, "low": 1}.get(s, 0) for s in Severity}
    (row,) = await fetch(
        database,
        "SELECT j.state, j.findings, j.quarantined, j.lease_until, j.finished_at, a.state AS attempt_state, "
        "a.exit_code, a.log_tail, a.stats, a.finished_at AS attempt_finished_at "
        "FROM scan_jobs j JOIN attempts a ON a.job_id = j.id",
    )
    assert (row.state, row.findings, row.quarantined, row.lease_until) == ("succeeded", 4, 1, None)
    assert (row.attempt_state, row.exit_code, row.log_tail) == ("succeeded", 0, "done")
    assert row.stats["scanSeconds"] == 1.5
    assert row.stats["quarantined"] == [{"position": 3, "problem": "no rule", "excerpt": "{}"}]
    assert row.finished_at == row.attempt_finished_at


async def test_the_last_job_ends_the_scan_with_its_counts(database: Database) -> None:
    first, second = [await claimed(database, job_id) for job_id in await planned_scan(database, 2)]

    await finish(database, first, make_findings(range(2), severity=Severity.CRITICAL))
    ((before,),) = await fetch(database, "SELECT state FROM scans")
    await finish(database, second, make_findings(range(10, 13), severity=Severity.INFO))

    (scan,) = await fetch(database, "SELECT * FROM scans")
    assert before == "running"
    assert (scan.state, scan.reason, scan.message) == ("succeeded", None, None)
    assert (scan.jobs_total, scan.jobs_open, scan.jobs_succeeded) == (2, 0, 2)
    assert (scan.findings_critical, scan.findings_high, scan.findings_info, scan.findings_new) == (2, 0, 3, 5)
    assert scan.completed_at is not None


async def test_a_job_without_findings_succeeds_too(database: Database) -> None:
    job = await running_job(database)

    counts = await finish(database, job)

    assert (counts.seen, counts.new, counts.quarantined) == (0, 0, 0)
    assert await fetch(database, "SELECT state FROM scans") == [("succeeded",)]


async def test_a_finish_of_a_superseded_attempt_changes_nothing(database: Database) -> None:
    job = await superseded(database)
    before = await snapshot(database)

    with pytest.raises(Superseded):
        await finish(database, job, make_findings(range(5)))
    with pytest.raises(Superseded):
        await finish(database, job)

    assert await snapshot(database) == before


async def test_an_attempt_whose_successor_has_finished_changes_nothing(database: Database) -> None:
    job = await superseded(database)
    successor = replace(job, attempt=2)
    await finish(database, successor, make_findings(range(5)))
    before = await snapshot(database)

    with pytest.raises(Superseded):
        await finish(database, job, make_findings(range(5)))

    assert await snapshot(database) == before


async def test_finishing_twice_changes_nothing_the_second_time(database: Database) -> None:
    job = await running_job(database)
    await finish(database, job, make_findings(range(5)))
    before = await snapshot(database)

    with pytest.raises(Superseded):
        await finish(database, job, make_findings(range(5)))

    assert await snapshot(database) == before


async def test_a_cancellation_that_came_first_wins(database: Database) -> None:
    job = await running_job(database)
    async with database.transaction() as session:
        await cancel_scan(session, job.scan_id, UNWANTED)
    before = await snapshot(database)

    with pytest.raises(CancelRequested):
        await finish(database, job, make_findings(range(5)))

    assert await snapshot(database) == before


async def test_a_report_that_breaks_off_leaves_nothing(database: Database) -> None:
    job = await running_job(database)
    before = await snapshot(database)

    def broken() -> Iterator[tuple[bytes, Finding]]:
        yield from make_findings(range(2_500))
        raise RuntimeError("the report is cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        await finish(database, job, broken())

    assert await snapshot(database) == before


async def test_the_operator_hears_once_that_a_scan_began_and_once_that_it_ended(database: Database) -> None:
    scan = make_scan()
    job_ids = await planned_scan(database, 3, scan=scan)
    async with listening(database, "secapi_scans") as heard:
        jobs = [await claimed(database, job_id) for job_id in job_ids]
        assert await heard.all() == [f"team-a/{scan.name}"]

        for job in jobs:
            await finish(database, job)

        assert await heard.all() == [f"team-a/{scan.name}"]


async def test_only_the_first_quarantined_entries_are_kept_and_all_are_counted(database: Database) -> None:
    job = await running_job(database)

    await finish(database, job, (), [Quarantined(n, "odd", "…") for n in range(500)])

    ((counted, kept),) = await fetch(
        database, "SELECT quarantined, jsonb_array_length(stats -> 'quarantined') FROM scan_jobs, attempts"
    )
    assert (counted, kept) == (500, 20)
