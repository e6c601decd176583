"""Reads: what they show, to whom, and in which order."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from ledger_factories import (
    BROKEN,
    REPORT,
    claimed,
    execute,
    fetch,
    finish,
    make_findings,
    make_scan,
    planned_scan,
    running_job,
)
from secapi_core.findings import Location, Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.findings import SeenFinding, list_scan_findings
from secapi_core.ledger.queries.jobs import list_jobs
from secapi_core.ledger.queries.scans import ScanDetail, ScanFilter, get_scan, get_states, list_scans
from secapi_core.ledger.states import FindingState, JobState, ScanState
from secapi_core.ledger.transitions.delete import delete_scan
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.types import NewScan
from secapi_core.messages import Priority
from secapi_core.paging import InvalidCursor, encode_cursor


async def planned(database: Database, namespace: str = "team-a", jobs: int = 1, **spec: object) -> NewScan:
    scan = make_scan(namespace, **spec)
    await planned_scan(database, jobs, scan=scan)
    return scan


async def page_through(database: Database, wanted: ScanFilter, limit: int = 2) -> list[ScanDetail]:
    found: list[ScanDetail] = []
    cursor: str | None = None
    while True:
        async with database.transaction() as session:
            page = await list_scans(session, wanted, cursor, limit)
        assert len(page.items) <= limit
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found


class TestScans:
    async def test_a_scan_is_shown_with_its_request(self, database: Database) -> None:
        scan = await planned(database, jobs=2, priority="bulk")

        async with database.transaction() as session:
            shown = await get_scan(session, scan.id)

        assert shown is not None
        assert (shown.id, shown.namespace, shown.name, shown.submitted_by) == (scan.id, "team-a", scan.name, "key:test")
        assert (shown.state, shown.priority, shown.jobs_total, shown.jobs_open) == (
            ScanState.QUEUED,
            Priority.BULK,
            2,
            2,
        )
        assert shown.spec == scan.spec.to_wire()

    async def test_a_scan_is_shown_in_its_own_namespace_only(self, database: Database) -> None:
        scan = await planned(database, "team-a")

        async with database.transaction() as session:
            assert await get_scan(session, scan.id, ["team-a", "team-c"]) is not None
            assert await get_scan(session, scan.id, ["team-b"]) is None
            assert await get_scan(session, scan.id, []) is None

    async def test_an_unknown_scan_is_not_shown(self, database: Database) -> None:
        async with database.transaction() as session:
            assert await get_scan(session, uuid4()) is None
            assert await get_states(session, [uuid4()]) == {}

    async def test_a_deleted_scan_is_not_shown_but_to_the_operator(self, database: Database) -> None:
        job = await running_job(database)
        await finish(database, job)

        async with database.transaction() as session:
            assert await delete_scan(session, job.scan_id)
            assert not await delete_scan(session, job.scan_id)

        async with database.transaction() as session:
            assert await get_scan(session, job.scan_id) is None
            assert (await get_states(session, [job.scan_id]))[job.scan_id].state is ScanState.SUCCEEDED
        assert await page_through(database, ScanFilter()) == []

    async def test_an_unfinished_scan_cannot_be_deleted(self, database: Database) -> None:
        scan = await planned(database)

        async with database.transaction() as session:
            assert not await delete_scan(session, scan.id)

    async def test_states_of_many_scans_are_read_at_once(self, database: Database) -> None:
        scans = [await planned(database, jobs=n) for n in (1, 2)]

        async with database.transaction() as session:
            states = await get_states(session, [scan.id for scan in scans] + [uuid4()])

        assert {id_: summary.jobs_total for id_, summary in states.items()} == {scans[0].id: 1, scans[1].id: 2}

    async def test_pages_of_scans_hold_each_once_newest_first(self, database: Database) -> None:
        scans = [await planned(database) for _ in range(5)]
        # Several of one moment, as many transactions at once make them.
        await execute(
            database, "UPDATE scans SET created_at = now() WHERE id = ANY (:ids)", ids=[s.id for s in scans[1:4]]
        )

        shown = await page_through(database, ScanFilter())

        assert {scan.id for scan in shown} == {scan.id for scan in scans}
        assert shown == sorted(shown, key=lambda scan: (scan.created_at, scan.id), reverse=True)

    async def test_a_last_page_that_is_full_has_no_next_one(self, database: Database) -> None:
        for _ in range(2):
            await planned(database)

        async with database.transaction() as session:
            assert (await list_scans(session, ScanFilter(), None, 2)).next_cursor is None

    async def test_scans_can_be_filtered(self, database: Database) -> None:
        mine, theirs = await planned(database, "team-a"), await planned(database, "team-b")
        await finish(database, await claimed(database, (await _job_ids(database, mine))[0]))
        old = await planned(database, "team-c")
        await execute(database, "UPDATE scans SET created_at = now() - interval '1 day' WHERE id = :id", id=old.id)
        ((now,),) = await fetch(database, "SELECT now()")

        async def ids(**wanted: object) -> set[object]:
            return {scan.id for scan in await page_through(database, ScanFilter(**wanted))}  # type: ignore[arg-type]  # as above

        assert await ids(namespaces=["team-a"]) == {mine.id}
        assert await ids(namespaces=["team-a", "team-b"]) == {mine.id, theirs.id}
        assert await ids(namespaces=[]) == set()
        assert await ids(states=[ScanState.SUCCEEDED]) == {mine.id}
        assert await ids(since=now - timedelta(hours=1)) == {mine.id, theirs.id}
        assert await ids(scanner="bandit") == {mine.id, theirs.id, old.id}
        assert await ids(scanner="nmap") == set()
        assert await ids(target="url:https://shop.example:443/0", namespaces=["team-c"]) == {old.id}
        assert await ids(target="url:https://other.example:443/") == set()

    @pytest.mark.parametrize(
        "cursor", ["nonsense", encode_cursor("a", "b"), encode_cursor("2026-01-01T00:00:00+00:00")]
    )
    async def test_a_cursor_of_something_else_is_refused(self, database: Database, cursor: str) -> None:
        async with database.transaction() as session:
            with pytest.raises(InvalidCursor):
                await list_scans(session, ScanFilter(), cursor, 10)
            with pytest.raises(InvalidCursor):
                await list_scan_findings(session, uuid4(), cursor=cursor, limit=10)


class TestJobs:
    async def test_jobs_are_shown_in_the_order_of_the_plan(self, database: Database) -> None:
        scan = await planned(database, jobs=3)
        job = await claimed(database, (await _job_ids(database, scan))[1])
        async with database.transaction() as session:
            await fail_job(session, job.id, job.attempt, BROKEN, REPORT)

        async with database.transaction() as session:
            jobs = await list_jobs(session, scan.id)

        assert [shown.ordinal for shown in jobs] == [0, 1, 2]
        assert [shown.state for shown in jobs] == [JobState.QUEUED, JobState.FAILED, JobState.QUEUED]
        assert (jobs[1].reason, jobs[1].message, jobs[1].attempt) == ("OutputInvalid", BROKEN.message, 1)
        assert (jobs[0].scanner, jobs[0].target, jobs[0].parameters) == (
            "bandit",
            {"url": "https://shop.example/0"},
            {"level": 2},
        )

    async def test_an_unknown_scan_has_no_jobs(self, database: Database) -> None:
        async with database.transaction() as session:
            assert await list_jobs(session, uuid4()) == []


class TestFindings:
    async def all_of(self, database: Database, scan_id: object, **wanted: object) -> list[SeenFinding]:
        found: list[SeenFinding] = []
        cursor: str | None = None
        while True:
            async with database.transaction() as session:
                page = await list_scan_findings(session, scan_id, cursor=cursor, limit=3, **wanted)  # type: ignore[arg-type]  # as above
            found += page.items
            if (cursor := page.next_cursor) is None:
                return found

    async def test_pages_of_findings_hold_each_once_worst_first(self, database: Database) -> None:
        job = await running_job(database)
        findings = [
            pair
            for n, severity in enumerate(reversed(Severity))
            for pair in make_findings([n, n + 10], severity=severity)
        ]
        await finish(database, job, findings)

        shown = await self.all_of(database, job.scan_id)

        assert len({finding.id for finding in shown}) == 10
        assert [finding.severity for finding in shown] == [severity for severity in Severity for _ in range(2)]

    async def test_a_finding_is_shown_as_the_scan_saw_it(self, database: Database) -> None:
        first, second = await running_job(database), await running_job(database)
        await finish(database, first, make_findings([1], severity=Severity.HIGH))
        await finish(database, second, make_findings([1], severity=Severity.LOW))

        (before,) = await self.all_of(database, first.scan_id)
        (after,) = await self.all_of(database, second.scan_id)

        assert (before.id, before.severity, before.is_new) == (after.id, Severity.HIGH, True)
        assert (after.severity, after.is_new) == (Severity.LOW, False)
        assert before.first_seen_at == after.first_seen_at == before.seen_at < after.seen_at

    async def test_a_finding_is_shown_with_all_its_fields(self, database: Database) -> None:
        job = await running_job(database)
        ((_, finding),) = findings = make_findings([7])
        await finish(database, job, findings)

        (shown,) = await self.all_of(database, job.scan_id)

        assert (shown.job_id, shown.scanner, shown.rule, shown.title) == (job.id, "bandit", "B007", finding.title)
        assert (shown.target_key, shown.state) == (job.target_key, FindingState.OPEN)
        assert shown.location == Location(path="src/module_7.py", start_line=8)
        assert (shown.cwes, shown.cvss_score, shown.references) == ([78, 88], 7.5, ["https://docs.example/B001"])
        assert (shown.details, shown.description) == (finding.details, finding.description)

    async def test_findings_can_be_filtered(self, database: Database) -> None:
        job = await running_job(database)
        await finish(database, await running_job(database), make_findings(range(2)))
        findings = make_findings(range(4)) + make_findings(range(4, 8), severity=Severity.INFO)
        await finish(database, job, findings)

        assert len(await self.all_of(database, job.scan_id, severities=[Severity.INFO, Severity.LOW])) == 4
        assert len(await self.all_of(database, job.scan_id, only_new=True)) == 6
        assert len(await self.all_of(database, job.scan_id, only_new=True, severities=[Severity.HIGH])) == 2
        assert await self.all_of(database, job.scan_id, severities=[]) == []
        assert len(await self.all_of(database, job.scan_id, scanner="bandit", severities=[Severity.INFO])) == 4
        assert await self.all_of(database, job.scan_id, scanner="semgrep") == []


async def _job_ids(database: Database, scan: NewScan) -> list[UUID]:
    rows = await fetch(database, "SELECT id FROM scan_jobs WHERE scan_id = :id ORDER BY ordinal", id=scan.id)
    return [row.id for row in rows]
