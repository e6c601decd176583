"""Webhooks and deliveries in the ledger: told of every end exactly once, tried until it works or is given up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from ledger_factories import (
    BROKEN,
    CRASHED,
    REPORT,
    UNWANTED,
    execute,
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
from secapi_core.ledger.queries.gauges import delivery_age
from secapi_core.ledger.queries.queues import queued_due_by_queue
from secapi_core.ledger.transitions.cancel import cancel_job, cancel_scan
from secapi_core.ledger.transitions.deliveries import claim_delivery, end_delivery, ping, replay, retry_delivery
from secapi_core.ledger.transitions.dispatch import mark_dispatched, redispatch, take_outbox
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.plan import plan_scan, reject_scan
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.transitions.release import release_job
from secapi_core.ledger.transitions.webhooks import change_webhook, create_webhook, remove_webhook, rotate_secret
from secapi_core.ledger.types import ClaimedDelivery, DeliveryAnswer
from secapi_core.messages import DELIVER_EVENT, DELIVERIES
from secapi_core.webhooks.events import DeliveryFailure
from waiting_sessions import until_somebody_waits

MINUTE = timedelta(minutes=1)
TAKEN = DeliveryAnswer(None, "thanks", 200)
REFUSED = DeliveryAnswer(DeliveryFailure.REFUSED, "not today", 503)
ALL = ["scan.succeeded", "scan.failed", "scan.cancelled"]


async def make_webhook(database: Database, namespace: str = "team-a", events: list[str] = ALL) -> UUID:
    async with database.transaction() as session:
        return await create_webhook(
            session, namespace=namespace, url="https://hooks.example/", events=events, description="", created_by="me"
        )


async def deliveries(database: Database) -> list[tuple[str, str]]:
    return [tuple(row) for row in await fetch(database, "SELECT namespace, event_type FROM deliveries ORDER BY id")]


async def pinged(database: Database, webhook_id: UUID) -> UUID:
    async with database.transaction() as session:
        return await ping(session, webhook_id)


async def claim(database: Database, delivery_id: UUID) -> ClaimedDelivery | None:
    async with database.transaction() as session:
        return await claim_delivery(session, delivery_id, lease_seconds=60)


async def claimed(database: Database, webhook_id: UUID) -> ClaimedDelivery:
    owned = await claim(database, await pinged(database, webhook_id))
    assert owned is not None
    return owned


async def end(database: Database, delivery: ClaimedDelivery, answer: DeliveryAnswer, disable_after: int = 3) -> bool:
    async with database.transaction() as session:
        return await end_delivery(session, delivery, answer, disable_after=disable_after)


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


class TestTrying:
    """A claim is a lease, and only its owner can say how it went."""

    async def test_one_of_two_claims_gets_it(self, database: Database) -> None:
        delivery = await claimed(database, await make_webhook(database))
        assert (delivery.attempts, delivery.url, delivery.signing_versions) == (1, "https://hooks.example/", [1])
        assert await claim(database, delivery.id) is None

    async def test_a_try_that_nobody_ends_is_due_again_under_the_same_event_id(self, database: Database) -> None:
        first = await claimed(database, await make_webhook(database))
        await execute(database, "UPDATE deliveries SET not_before = now() - interval '1 minute'")
        await execute(database, "DELETE FROM outbox")
        async with database.transaction() as session:
            assert await queued_due_by_queue(session) == {DELIVERIES: 1}
            assert await delivery_age(session) >= 60
            assert await redispatch(session, DELIVERIES, missing=10, older_than=timedelta(seconds=20)) == 1
            assert await redispatch(session, DELIVERIES, missing=10, older_than=timedelta(seconds=20)) == 0
        second = await claim(database, first.id)
        assert second is not None
        assert (second.attempts, second.event_id) == (2, first.event_id)
        assert not await end(database, first, REFUSED)
        assert await end(database, second, TAKEN)

    async def test_what_is_being_tried_is_neither_due_nor_lost(self, database: Database) -> None:
        await claimed(database, await make_webhook(database))
        await execute(database, "DELETE FROM outbox")
        async with database.transaction() as session:
            assert await queued_due_by_queue(session) == {}
            assert await delivery_age(session) == 0
            assert await redispatch(session, DELIVERIES, missing=10, older_than=timedelta(0)) == 0

    async def test_a_retry_has_its_message_when_it_is_due(self, database: Database) -> None:
        delivery = await claimed(database, await make_webhook(database))
        await execute(database, "DELETE FROM outbox")
        async with database.transaction() as session:
            assert await retry_delivery(session, delivery, REFUSED, MINUTE)
        rows = await fetch(
            database,
            "SELECT state, status_code, reason, response, d.not_before = o.not_before, d.not_before > now() "
            "FROM deliveries d JOIN outbox o ON o.delivery_id = d.id",
        )
        assert rows == [("pending", 503, "Refused", "not today", True, True)]
        assert await claim(database, delivery.id) is None

    async def test_what_was_answered_is_bounded(self, database: Database) -> None:
        delivery = await claimed(database, await make_webhook(database))
        assert await end(database, delivery, DeliveryAnswer(None, "\0" + "x" * 5_000, 200))
        assert await fetch(database, "SELECT length(response) FROM deliveries") == [(1_024,)]

    async def test_a_removed_webhook_takes_everything_with_it(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        delivery = await claimed(database, webhook_id)
        async with database.transaction() as session:
            assert await remove_webhook(session, webhook_id)
            assert not await remove_webhook(session, webhook_id)
        assert not await end(database, delivery, TAKEN)
        assert await fetch(database, "SELECT count(*) FROM outbox") == [(0,)]


class TestGivingUp:
    """Failures in a row disable a webhook; one success makes up for all."""

    async def test_failures_in_a_row_disable_with_a_line_in_the_trail(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        for _ in range(3):
            assert await end(database, await claimed(database, webhook_id), REFUSED, disable_after=3)
        assert await fetch(
            database, "SELECT disabled_reason, consecutive_failures, failing_since IS NULL FROM webhooks"
        ) == [("Failing", 3, False)]
        assert await fetch(database, "SELECT actor, action, subject, namespace, after FROM audit_events") == [
            (
                *("system:webhooks", "disableWebhook", str(webhook_id), "team-a"),
                {"enabled": False, "disabledReason": "Failing"},
            )
        ]

    async def test_a_success_makes_up_for_failures(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        for answer in (REFUSED, REFUSED, TAKEN, REFUSED, REFUSED):
            await end(database, await claimed(database, webhook_id), answer, disable_after=3)
        assert await fetch(database, "SELECT disabled_reason, consecutive_failures FROM webhooks") == [(None, 2)]

    async def test_a_receiver_that_is_gone_is_disabled_at_once(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        delivery = await claimed(database, webhook_id)
        await end(database, delivery, DeliveryAnswer(DeliveryFailure.GONE, "", 410))
        assert await fetch(database, "SELECT disabled_reason FROM webhooks") == [("Gone",)]
        next_one = await claimed(database, webhook_id)
        assert next_one.disabled

    async def test_enabling_forgives(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        await end(database, await claimed(database, webhook_id), REFUSED, disable_after=1)
        ((version,),) = await fetch(database, "SELECT version FROM webhooks")
        async with database.transaction() as session:
            assert not await change_webhook(session, webhook_id, version - 1, {"enabled": True})
            assert await change_webhook(session, webhook_id, version, {"enabled": True})
        assert await fetch(database, "SELECT disabled_reason, consecutive_failures FROM webhooks") == [(None, 0)]


async def test_a_replay_is_a_delivery_of_its_own_with_the_same_event_id(database: Database) -> None:
    delivery = await claimed(database, await make_webhook(database))
    await end(database, delivery, REFUSED)
    async with database.transaction() as session:
        again = await replay(session, delivery.id)
    owned = await claim(database, again)
    assert owned is not None
    assert (owned.event_id, owned.payload, owned.attempts) == (delivery.event_id, delivery.payload, 1)
    assert owned.id != delivery.id


async def test_both_secrets_sign_while_they_are_exchanged(database: Database) -> None:
    webhook_id = await make_webhook(database)
    async with database.transaction() as session:
        assert await rotate_secret(session, webhook_id, grace=MINUTE) == 2
    assert (await claimed(database, webhook_id)).signing_versions == [2, 1]
    await execute(database, "UPDATE webhooks SET previous_secret_until = now()")
    assert (await claimed(database, webhook_id)).signing_versions == [2]
