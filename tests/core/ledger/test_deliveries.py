"""Deliveries in the ledger: tried until it works or is given up."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ledger_factories import execute, fetch
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.gauges import delivery_age
from secapi_core.ledger.queries.queues import queued_due_by_queue
from secapi_core.ledger.transitions.deliveries import (
    claim_delivery,
    end_delivery,
    forget_deliveries,
    postpone_delivery,
    replay,
    retry_delivery,
)
from secapi_core.ledger.transitions.dispatch import redispatch
from secapi_core.ledger.transitions.webhooks import change_webhook, remove_webhook, rotate_secret
from secapi_core.ledger.types import ClaimedDelivery, DeliveryAnswer
from secapi_core.messages import DELIVERIES
from secapi_core.webhooks.events import DeliveryFailure
from webhook_factories import made_before, make_webhook, pinged

MINUTE = timedelta(minutes=1)
TAKEN = DeliveryAnswer(None, "thanks", 200)
REFUSED = DeliveryAnswer(DeliveryFailure.REFUSED, "not today", 503)


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


async def forget(database: Database, *, limit: int) -> int:
    async with database.transaction() as session:
        return await forget_deliveries(session, older_than=timedelta(days=30), limit=limit)


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


class TestPuttingOff:
    """What is for somebody who is busy is due later, and no try is used up."""

    async def put_off(self, database: Database, delivery_id: UUID, **busy: Any) -> bool:
        async with database.transaction() as session:
            return await postpone_delivery(session, delivery_id, **{"webhooks": [], "namespaces": []} | busy)

    async def test_it_is_due_later_and_has_its_message_then(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        delivery_id = await pinged(database, webhook_id)
        await execute(database, "DELETE FROM outbox")
        assert await self.put_off(database, delivery_id, webhooks=[webhook_id])
        rows = await fetch(
            database,
            "SELECT attempts, d.not_before = o.not_before, d.not_before - now() BETWEEN '0.5 s' AND '1.25 s' "
            "FROM deliveries d JOIN outbox o ON o.delivery_id = d.id",
        )
        assert rows == [(0, True, True)]
        assert not await self.put_off(database, delivery_id, webhooks=[webhook_id])
        assert await claim(database, delivery_id) is None

    @pytest.mark.parametrize(("age", "shortest"), [(20, 5), (400, 100), (86_400, 300)])
    async def test_what_has_waited_longer_is_put_off_for_longer(
        self, database: Database, age: int, shortest: int
    ) -> None:
        delivery_id = await pinged(database, await make_webhook(database))
        made = timedelta(seconds=age)
        await execute(database, "UPDATE deliveries SET created_at = now() - CAST(:made AS interval)", made=made)
        assert await self.put_off(database, delivery_id, namespaces=["team-a"])
        ((waiting,),) = await fetch(database, "SELECT not_before - now() FROM deliveries")
        assert timedelta(seconds=shortest - 1) < waiting < timedelta(seconds=shortest * 1.25 + 1)

    async def test_others_and_what_is_not_due_stay_as_they_are(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        other = await pinged(database, await make_webhook(database, "team-b"))
        owned = await claimed(database, webhook_id)
        for delivery_id in (other, owned.id):
            assert not await self.put_off(database, delivery_id, webhooks=[webhook_id], namespaces=["team-a"])
        assert await claim(database, other) is not None
        assert await end(database, owned, TAKEN)


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


class TestForgetting:
    """What ended long ago goes, in batches; what is still to be sent stays."""

    async def test_what_ended_long_ago_is_forgotten_and_nothing_else(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        for days, state in [(31, "delivered"), (31, "failed"), (31, "pending"), (29, "delivered")]:
            await made_before(database, webhook_id, days=days, state=state)
        await end(database, await claimed(database, webhook_id), REFUSED)
        assert await forget(database, limit=100) == 2
        rows = await fetch(database, "SELECT state FROM deliveries ORDER BY id")
        assert rows == [("pending",), ("delivered",), ("failed",)]

    async def test_a_batch_takes_the_oldest(self, database: Database) -> None:
        webhook_id = await make_webhook(database)
        newest, *_ = [await made_before(database, webhook_id, days=days) for days in (40, 42, 41)]
        assert await forget(database, limit=2) == 2
        assert await fetch(database, "SELECT id FROM deliveries") == [(newest,)]


async def test_both_secrets_sign_while_they_are_exchanged(database: Database) -> None:
    webhook_id = await make_webhook(database)
    async with database.transaction() as session:
        assert await rotate_secret(session, webhook_id, grace=MINUTE) == 2
    assert (await claimed(database, webhook_id)).signing_versions == [2, 1]
    await execute(database, "UPDATE webhooks SET previous_secret_until = now()")
    assert (await claimed(database, webhook_id)).signing_versions == [2]
