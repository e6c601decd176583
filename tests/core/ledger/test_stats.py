"""Statistics: what is counted, on which day, and for whom."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

import pytest

from ledger_factories import dead_letter, execute, fetch, finish, make_findings, make_scan, planned_scan, running_job
from secapi_core.findings import Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.stats import Day, OutcomeCounts, SeverityCounts, Standing, count_days, get_standing
from secapi_core.ledger.transitions.dead_letters import mark_replayed
from secapi_core.ledger.types import NewScan

NO_SCANS = OutcomeCounts(active=0, succeeded=0, failed=0, cancelled=0)
NO_FINDINGS = SeverityCounts(critical=0, high=0, medium=0, low=0, info=0)
NOTHING = Standing(active_scans=0, dead_letters=0, open_findings=NO_FINDINGS, median_seconds=None, p95_seconds=None)


async def days_of(database: Database, namespaces: Sequence[str] | None = ("team-a",), days: int = 3) -> list[Day]:
    async with database.transaction() as session:
        return await count_days(session, namespaces, days)


async def standing_of(database: Database, namespaces: Sequence[str] | None = ("team-a",), days: int = 3) -> Standing:
    async with database.transaction() as session:
        return await get_standing(session, namespaces, days)


async def today(database: Database) -> date:
    ((now,),) = await fetch(database, "SELECT current_date")
    found: date = now
    return found


async def scanned(database: Database, state: str = "succeeded", *, seconds: int = 1, days_ago: int = 0) -> None:
    """A scan that was submitted at noon and ended in ``state``."""
    scan = make_scan()
    await planned_scan(database, scan=scan)
    await execute(
        database,
        "UPDATE scans SET state = :state, created_at = noon, completed_at = noon + CAST(:duration AS interval) "
        "FROM (SELECT current_date - CAST(:days_ago AS integer) + interval '12 hours' AS noon) AS day WHERE id = :id",
        id=scan.id,
        state=state,
        duration=timedelta(seconds=seconds),
        days_ago=days_ago,
    )


async def found(
    database: Database, numbers: range, severity: Severity = Severity.HIGH, scan: NewScan | None = None
) -> None:
    await finish(database, await running_job(database, scan=scan), make_findings(numbers, severity=severity))


async def test_every_day_is_there_though_nothing_happened(database: Database) -> None:
    last = await today(database)

    days = await days_of(database, days=90)

    assert [day.date for day in days] == [last - timedelta(days=ago) for ago in reversed(range(90))]
    assert {(day.scans, day.new_findings) for day in days} == {(NO_SCANS, NO_FINDINGS)}
    assert await standing_of(database) == NOTHING


async def test_scans_are_counted_by_outcome_on_the_day_they_were_submitted(database: Database) -> None:
    for state in ("succeeded", "succeeded", "failed", "cancelled"):
        await scanned(database, state)
    await scanned(database, days_ago=1)
    await planned_scan(database)

    before, yesterday, now = await days_of(database)

    assert before.scans == NO_SCANS
    assert yesterday.scans == OutcomeCounts(active=0, succeeded=1, failed=0, cancelled=0)
    assert now.scans == OutcomeCounts(active=1, succeeded=2, failed=1, cancelled=1)


@pytest.mark.parametrize(("moment", "counted"), [("interval '0'", 1), ("interval '-1 microsecond'", 0)])
async def test_the_first_day_begins_at_midnight(database: Database, moment: str, counted: int) -> None:
    await found(database, range(1))
    first_day = f"current_date - 2 + {moment}"
    await execute(database, f"UPDATE scans SET created_at = {first_day}")  # noqa: S608 - constants of this test
    await execute(database, f"UPDATE findings SET first_seen_at = {first_day}")  # noqa: S608 - constants of this test

    first = (await days_of(database))[0]

    assert (first.scans.succeeded, first.new_findings.high) == (counted, counted)


async def test_a_deleted_scan_still_counts(database: Database) -> None:
    await scanned(database)
    await execute(database, "UPDATE scans SET deleted_at = now()")

    assert (await days_of(database))[-1].scans.succeeded == 1


async def test_findings_are_new_on_the_day_they_were_first_seen(database: Database) -> None:
    await found(database, range(3), Severity.CRITICAL)
    await execute(database, "UPDATE findings SET first_seen_at = now() - interval '1 day'")
    await found(database, range(5), Severity.CRITICAL)
    await found(database, range(5, 6), Severity.INFO)

    _, yesterday, now = await days_of(database)

    assert yesterday.new_findings == SeverityCounts(critical=3, high=0, medium=0, low=0, info=0)
    assert now.new_findings == SeverityCounts(critical=2, high=0, medium=0, low=0, info=1)


async def test_open_findings_are_those_that_nobody_has_put_aside(database: Database) -> None:
    await found(database, range(5))
    await found(database, range(5, 7), Severity.LOW)
    for number, state in enumerate(("confirmed", "falsePositive", "acceptedRisk", "fixed")):
        await execute(
            database, "UPDATE findings SET state = :state WHERE rule = :rule", state=state, rule=f"B00{number}"
        )
    await execute(database, "UPDATE findings SET first_seen_at = now() - interval '1 year'")

    assert (await standing_of(database)).open_findings == SeverityCounts(critical=0, high=2, medium=0, low=2, info=0)


async def test_scans_that_have_not_ended_are_active_whenever_they_began(database: Database) -> None:
    await planned_scan(database)
    await running_job(database)
    await execute(database, "UPDATE scans SET created_at = now() - interval '1 year'")
    await scanned(database)

    assert (await standing_of(database)).active_scans == 2


async def test_dead_letters_count_until_somebody_replays_them(database: Database) -> None:
    letters = [await dead_letter(database) for _ in range(3)]
    async with database.transaction() as session:
        await mark_replayed(session, letters[0], uuid4())

    assert (await standing_of(database)).dead_letters == 2


async def test_durations_are_those_of_scans_that_succeeded_within_the_days(database: Database) -> None:
    for seconds in range(21):
        await scanned(database, seconds=seconds)
    await scanned(database, "failed", seconds=1_000)
    await scanned(database, "cancelled", seconds=1_000)
    await scanned(database, seconds=1_000, days_ago=3)
    await planned_scan(database)

    standing = await standing_of(database)

    assert (standing.median_seconds, standing.p95_seconds) == (10, 19)


async def test_each_namespace_is_counted_by_itself(database: Database) -> None:
    await found(database, range(1))
    await found(database, range(1, 3), scan=make_scan("team-b"))
    await dead_letter(database, scan=make_scan("team-b"))

    async def counted(namespaces: Sequence[str] | None) -> tuple[int, int, int, int]:
        day, standing = (await days_of(database, namespaces))[-1], await standing_of(database, namespaces)
        return day.scans.succeeded, day.new_findings.high, standing.open_findings.high, standing.dead_letters

    assert await counted(["team-a"]) == (1, 1, 1, 0)
    assert await counted(["team-b"]) == (1, 2, 2, 1)
    assert await counted(["team-a", "team-b"]) == await counted(None) == (2, 3, 3, 1)
    assert await counted([]) == (0, 0, 0, 0)
