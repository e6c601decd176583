"""Webhooks in the ledger are told of every end of a scan exactly once."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from ledger_factories import (
    BROKEN,
    CRASHED,
    REPORT,
    UNWANTED,
    expire_leases,
    fetch,
    finish,
    make_finding,
    make_findings,
    make_plan,
    make_scan,
    planned_scan,
    running_job,
)
from notifications import listening
from secapi_core.findings import Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_job, cancel_scan
from secapi_core.ledger.transitions.dispatch import mark_dispatched, take_outbox
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.plan import plan_scan, reject_scan
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.transitions.release import release_job
from secapi_core.ledger.transitions.webhooks import change_webhook, remove_webhook
from secapi_core.messages import DELIVER_EVENT, DELIVERIES
from waiting_sessions import until_somebody_waits
from webhook_factories import make_webhook


async def deliveries(database: Database) -> list[tuple[str, str]]:
    return [tuple(row) for row in await fetch(database, "SELECT namespace, event_type FROM deliveries ORDER BY id")]


async def succeed(database: Database) -> None:
    await finish(database, await running_job(database))


async def fail(database: Database) -> None:
    job = await running_job(database)
    async with database.transaction() as session:
        await fail_job(session, job.id, job.attempt, BROKEN, REPORT)


async def die(database: Database) -> None:
    job = await running_job(database, max_attempts=1)
    async with database.transaction() as session:
        await fail_job(session, job.id, job.attempt, CRASHED, REPORT)


async def fall_silent(database: Database) -> None:
    await running_job(database, max_attempts=1)
    await expire_leases(database)
    async with database.transaction() as session:
        assert await reap_expired(session, limit=10)


async def be_rejected(database: Database) -> None:
    scan = make_scan()
    for _ in range(2):
        async with database.transaction() as session:
            await reject_scan(session, scan, UNWANTED)


async def be_rejected_after_registration(database: Database) -> None:
    scan = make_scan()
    async with database.transaction() as session:
        await register_scan(session, scan)
        await reject_scan(session, scan, UNWANTED)


async def be_cancelled_before_planning(database: Database) -> None:
    scan = make_scan()
    async with database.transaction() as session:
        await register_scan(session, scan)
        await cancel_scan(session, scan.id, UNWANTED)
        await cancel_scan(session, scan.id, UNWANTED)
        assert not await plan_scan(session, scan, make_plan(scan))


async def be_cancelled_while_queued(database: Database) -> None:
    scan = make_scan()
    await planned_scan(database, 2, scan=scan)
    for _ in range(2):
        async with database.transaction() as session:
            await cancel_scan(session, scan.id, UNWANTED)


async def stop(database: Database, last: Callable[[AsyncSession, UUID, int], Awaitable[object]]) -> None:
    job = await running_job(database)
    async with database.transaction() as session:
        await cancel_scan(session, job.scan_id, UNWANTED)
        await last(session, job.id, job.attempt)


async def be_cancelled_while_running(database: Database) -> None:
    await stop(database, cancel_job)


async def be_released_after_cancellation(database: Database) -> None:
    await stop(database, release_job)


async def be_reaped_after_cancellation(database: Database) -> None:
    job = await running_job(database)
    async with database.transaction() as session:
        await cancel_scan(session, job.scan_id, UNWANTED)
    await expire_leases(database)
    async with database.transaction() as session:
        await reap_expired(session, limit=10)


class TestTelling:
    """Every road to an end leads to one delivery."""

    @pytest.mark.parametrize(
        ("road", "event"),
        [
            (succeed, "scan.succeeded"),
            (fail, "scan.failed"),
            (die, "scan.failed"),
            (fall_silent, "scan.failed"),
            (be_rejected, "scan.failed"),
            (be_rejected_after_registration, "scan.failed"),
            (be_cancelled_before_planning, "scan.cancelled"),
            (be_cancelled_while_queued, "scan.cancelled"),
            (be_cancelled_while_running, "scan.cancelled"),
            (be_released_after_cancellation, "scan.cancelled"),
            (be_reaped_after_cancellation, "scan.cancelled"),
        ],
    )
    async def test_an_end_is_told_once_with_its_message(
        self, database: Database, road: Callable[[Database], Awaitable[None]], event: str
    ) -> None:
        await make_webhook(database)
        async with listening(database, "secapi_outbox") as heard:
            await road(database)
            assert "" in await heard.all()
        assert await deliveries(database) == [("team-a", event)]
        async with database.transaction() as session:
            items = [item for item in await take_outbox(session, 100) if item.task == DELIVER_EVENT]
            await mark_dispatched(session, items)
        assert [(item.queue, item.task) for item in items] == [(DELIVERIES, DELIVER_EVENT)]
        assert [(item.subject_id,) for item in items] == await fetch(database, "SELECT id FROM deliveries")

    async def test_only_who_asked_is_told(self, database: Database) -> None:
        await make_webhook(database, "team-b")
        await make_webhook(database, events=["scan.failed"])
        disabled = await make_webhook(database)
        async with database.transaction() as session:
            assert await change_webhook(session, disabled, 1, {"enabled": False})
        await succeed(database)
        assert await deliveries(database) == []

    async def test_several_webhooks_get_the_same_event(self, database: Database) -> None:
        await make_webhook(database)
        await make_webhook(database)
        await succeed(database)
        ((ids, events),) = await fetch(database, "SELECT count(DISTINCT id), count(DISTINCT event_id) FROM deliveries")
        assert (ids, events) == (2, 1)

    async def test_what_is_rolled_back_is_not_told(self, database: Database) -> None:
        await make_webhook(database)
        async with database.transaction() as session:
            await reject_scan(session, make_scan(), UNWANTED)
            await session.rollback()
        assert await deliveries(database) == []

    async def test_a_webhook_that_is_just_being_removed_does_not_fail_the_scan(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        async with database.transaction() as session:
            await remove_webhook(session, webhook_id)
            ending = asyncio.create_task(succeed(database))
            await until_somebody_waits(database)
        await ending
        assert await deliveries(database) == []

    async def test_the_body_has_counts_and_no_finding(self, database: Database) -> None:
        await make_webhook(database)
        scan = make_scan(gate={"failOn": "high"})
        job = await running_job(database, scan=scan)
        await finish(database, job, make_findings(range(3), severity=Severity.HIGH))
        ((payload, version),) = await fetch(database, "SELECT payload, substr(id::text, 15, 1) FROM deliveries")
        assert payload["type"] == "scan.succeeded"
        data = payload["data"]
        assert payload["timestamp"] == data.pop("completedAt") > data.pop("createdAt")
        assert data == {
            "scanId": str(scan.id),
            "namespace": "team-a",
            "name": scan.name,
            "phase": "Succeeded",
            "reason": None,
            "jobs": {"total": 1, "succeeded": 1, "failed": 0, "cancelled": 0},
            "findings": {"critical": 0, "high": 3, "medium": 0, "low": 0, "info": 0, "new": 3},
            "gatePassed": False,
        }
        assert make_finding().title.split()[0] not in str(payload)
        assert version == "7"
