"""Counts: what has not ended, what waits and for how long, what was found and what was given up."""

from datetime import timedelta
from uuid import uuid4

import pytest

from ledger_factories import (
    claimed,
    dead_letter,
    execute,
    finish,
    make_findings,
    make_scan,
    planned_scan,
    running_job,
)
from secapi_core.findings import Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.active import count_active, open_scan_ids
from secapi_core.ledger.queries.gauges import (
    dead_letters,
    expiring_api_keys,
    findings_by_severity_and_state,
    outbox,
)
from secapi_core.ledger.queries.queues import QueueDepth, queue_depths, queued_due_by_queue
from secapi_core.ledger.states import FindingState
from secapi_core.ledger.transitions.api_keys import create_api_key
from secapi_core.ledger.transitions.dead_letters import mark_replayed, purge_dead_letter
from secapi_core.ledger.types import NewScan
from secapi_core.messages import Priority


async def planned(database: Database, namespace: str = "team-a", jobs: int = 1, **spec: object) -> NewScan:
    scan = make_scan(namespace, **spec)
    await planned_scan(database, jobs, scan=scan)
    return scan


class TestActive:
    async def test_scans_that_have_not_ended_are_counted_by_namespace(self, database: Database) -> None:
        await planned(database, "team-a")
        await planned(database, "team-b")
        await finish(database, await running_job(database))

        async with database.transaction() as session:
            assert await count_active(session, "team-a") == 1
            assert await count_active(session, "team-c") == 0

    async def test_open_scans_are_listed_in_pages(self, database: Database) -> None:
        scans = [await planned(database) for _ in range(5)]
        await finish(database, await running_job(database))
        found, after = [], None
        while True:
            async with database.transaction() as session:
                page = await open_scan_ids(session, after, 2)
            found += page
            if len(page) < 2:
                break
            after = page[-1][0]

        assert [tuple(row) for row in found] == sorted((scan.id, "team-a", scan.name) for scan in scans)


class TestQueues:
    async def test_depths_count_what_waits_and_what_runs(self, database: Database) -> None:
        job_ids = await planned_scan(database, 3)
        await claimed(database, job_ids[0])
        await planned(database, priority="bulk")
        await execute(
            database, "UPDATE scan_jobs SET not_before = now() - interval '90 seconds' WHERE id = :id", id=job_ids[1]
        )

        async with database.transaction() as session:
            depths = {depth.priority: depth for depth in await queue_depths(session)}

        normal = depths[Priority.NORMAL]
        assert (normal.pool, normal.queued, normal.running) == ("code", 2, 1)
        assert 90 <= normal.oldest_age_seconds < 120
        assert (depths[Priority.BULK].queued, depths[Priority.BULK].running) == (1, 0)

    async def test_a_job_that_is_not_due_has_no_age(self, database: Database) -> None:
        await planned_scan(database)
        await execute(database, "UPDATE scan_jobs SET not_before = now() + interval '1 minute'")

        async with database.transaction() as session:
            assert await queue_depths(session) == [QueueDepth("code", Priority.NORMAL, 1, 0, 0.0)]
            assert await queued_due_by_queue(session) == {}

    async def test_due_jobs_are_counted_by_queue(self, database: Database) -> None:
        await claimed(database, (await planned_scan(database, 3))[0])
        await planned(database, priority="interactive")

        async with database.transaction() as session:
            assert await queued_due_by_queue(session) == {"scan.code.normal": 2, "scan.code.interactive": 1}


class TestGauges:
    async def test_findings_are_counted_by_severity_and_state(self, database: Database) -> None:
        findings = make_findings(range(3)) + make_findings([3], severity=Severity.LOW)
        await finish(database, await running_job(database), findings)
        await execute(database, "UPDATE findings SET state = 'confirmed' WHERE rule = 'B001'")

        async with database.transaction() as session:
            gauges = await findings_by_severity_and_state(session)

        assert {(g.namespace, g.severity, g.state, g.count) for g in gauges} == {
            ("team-a", Severity.HIGH, FindingState.OPEN, 2),
            ("team-a", Severity.HIGH, FindingState.CONFIRMED, 1),
            ("team-a", Severity.LOW, FindingState.OPEN, 1),
        }

    async def test_dead_letters_are_counted_until_they_are_replayed_or_purged(self, database: Database) -> None:
        replayed, purged = [await dead_letter(database) for _ in range(2)]

        async with database.transaction() as session:
            assert await dead_letters(session) == {("team-a", "bandit"): 2}
            await mark_replayed(session, replayed, uuid4())
            assert await dead_letters(session) == {("team-a", "bandit"): 1}
            await purge_dead_letter(session, purged)
            assert await dead_letters(session) == {}

    async def test_the_outbox_shows_what_is_due_and_since_when(self, database: Database) -> None:
        await planned_scan(database, 2)
        await execute(database, "UPDATE outbox SET not_before = now() - interval '30 seconds'")
        await planned_scan(database)
        await execute(
            database,
            "UPDATE outbox SET not_before = now() + interval '1 hour' WHERE not_before > now() - interval '5 seconds'",
        )

        async with database.transaction() as session:
            gauge = await outbox(session)

        assert gauge.due == 2
        assert 30 <= gauge.oldest_age_seconds < 60


class TestApiKeys:
    @pytest.mark.parametrize(
        ("days", "change", "counted"),
        [
            (6, "UPDATE api_keys SET last_used_at = now() - interval '29 days'", 1),
            (8, "UPDATE api_keys SET last_used_at = now()", 0),
            (None, "UPDATE api_keys SET last_used_at = now()", 0),
            (6, "UPDATE api_keys SET last_used_at = now() - interval '31 days'", 0),
            (6, "UPDATE api_keys SET last_used_at = NULL", 0),
            (6, "UPDATE api_keys SET last_used_at = now(), revoked_at = now()", 0),
            (6, "UPDATE api_keys SET last_used_at = now(), expires_at = now() - interval '1 second'", 0),
        ],
    )
    async def test_keys_in_use_that_end_within_a_week_are_counted(
        self, database: Database, days: int | None, change: str, counted: int
    ) -> None:
        async with database.transaction() as session:
            lifetime = timedelta(days=days) if days else None
            await create_api_key(session, name="ci", namespace=None, role="admin", pepper=b"pepper", lifetime=lifetime)
        await execute(database, change)

        async with database.transaction() as session:
            assert await expiring_api_keys(session) == counted
