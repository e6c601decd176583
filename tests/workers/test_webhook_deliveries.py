"""Deliveries from message to outcome: tried again, given up, and never lost with the worker that had them."""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from ledger_factories import execute, fetch
from running_worker import StartWorker
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.deliveries import replay
from secapi_core.webhooks.schedule import PAUSES
from secapi_core.webhooks.signing import secret
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import Drained
from secapi_workers.webhooks.deliveries import Busy, DeliveryRunner
from secapi_workers.webhooks.sending import Sender
from told_webhooks import (
    KEY,
    SYSTEM,
    announce_events,
    due_delivery,
    make_due,
    make_receiving_webhook,
    outcome,
    system_settings,
)
from waiting import until
from webhook_receiver import OK, Receiver, answer, here

BUSY = answer("503 Service Unavailable")

MakeDeliveries = Callable[..., DeliveryRunner]


@pytest.fixture
def make_deliveries(database: Database, database_url: str, draining: Draining) -> MakeDeliveries:
    """A worker process's part that tells webhooks."""

    def make(**changes: Any) -> DeliveryRunner:
        settings = system_settings(database_url, **changes)
        return DeliveryRunner(database, Sender(settings, KEY.encode(), timeout=2, resolve=here), settings, draining)

    return make


@pytest.fixture
def deliveries(make_deliveries: MakeDeliveries) -> DeliveryRunner:
    return make_deliveries()


async def make_delivery(database: Database, receiver: Receiver, event: str = "scan.failed") -> UUID:
    """One that is due, of a webhook of its own."""
    return await due_delivery(database, await make_receiving_webhook(database, receiver.port), event)


async def run(deliveries: DeliveryRunner, delivery_id: UUID) -> None:
    """Make the next try, if there is one to make."""
    claim = await deliveries.claim(delivery_id, Busy())
    if claim is not None:
        await deliveries.carry_out(claim)


async def waiting(database: Database, delivery_id: UUID) -> timedelta:
    ((due_in,),) = await fetch(
        database, "SELECT not_before - now() FROM deliveries WHERE id = :id AND state = 'pending'", id=delivery_id
    )
    found: timedelta = due_in
    return found


async def test_an_event_that_is_taken_is_delivered_once(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    delivery_id = await make_delivery(database, receiver)
    await asyncio.gather(*(run(deliveries, delivery_id) for _ in range(3)))
    assert await outcome(database, delivery_id) == ("delivered", 1, 200, None)
    assert len(receiver.received) == 1


async def test_tries_follow_the_schedule_until_they_are_used_up(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    receiver.answers = [BUSY]
    delivery_id = await make_delivery(database, receiver)
    for attempt, pause in enumerate(PAUSES, start=1):
        await run(deliveries, delivery_id)
        assert await outcome(database, delivery_id) == ("pending", attempt, 503, "Refused")
        assert pause * 0.9 < await waiting(database, delivery_id) <= pause * 1.2
        await make_due(database)
    await run(deliveries, delivery_id)
    assert await outcome(database, delivery_id) == ("failed", len(PAUSES) + 1, 503, "Refused")
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1


async def test_a_receiver_may_ask_to_be_left_alone_for_a_while(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    receiver.answers = [answer("429 Too Many Requests", "Retry-After: 3600")]
    delivery_id = await make_delivery(database, receiver)
    await run(deliveries, delivery_id)
    assert timedelta(minutes=59) < await waiting(database, delivery_id) <= timedelta(hours=1)


async def test_who_is_gone_is_not_asked_again(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    receiver.answers = [answer("410 Gone")]
    first = await make_delivery(database, receiver)
    await run(deliveries, first)
    assert await outcome(database, first) == ("failed", 1, 410, "Gone")
    async with database.transaction() as session:
        second = await replay(session, first)
    await run(deliveries, second)
    assert await outcome(database, second) == ("failed", 1, None, "WebhookDisabled")
    assert len(receiver.received) == 1


async def test_a_receiver_that_always_fails_is_disabled(
    database: Database, make_deliveries: MakeDeliveries, receiver: Receiver
) -> None:
    deliveries = make_deliveries(webhook_max_attempts=1, webhook_disable_after=2)
    receiver.answers = [BUSY]
    first = await make_delivery(database, receiver)
    async with database.transaction() as session:
        second = await replay(session, first)
    for delivery_id, reason in ((first, None), (second, "Failing")):
        await run(deliveries, delivery_id)
        assert await fetch(database, "SELECT disabled_reason FROM webhooks") == [(reason,)]


async def test_a_ping_is_sent_once(database: Database, deliveries: DeliveryRunner, receiver: Receiver) -> None:
    receiver.answers = [BUSY]
    delivery_id = await make_delivery(database, receiver, "webhook.ping")
    await run(deliveries, delivery_id)
    assert await outcome(database, delivery_id) == ("failed", 1, 503, "Refused")


async def test_what_is_sent_and_never_written_down_is_sent_again_under_the_same_id(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery_id = await make_delivery(database, receiver)

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "_settle", die)
        with pytest.raises(asyncio.CancelledError):
            await run(deliveries, delivery_id)
    await run(deliveries, delivery_id)
    assert await outcome(database, delivery_id) == ("pending", 1, None, None)
    assert len(receiver.received) == 1

    await make_due(database)
    await run(deliveries, delivery_id)
    assert await outcome(database, delivery_id) == ("delivered", 2, 200, None)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_a_delivery_that_only_loses_its_workers_ends(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    delivery_id = await make_delivery(database, receiver)
    await execute(database, "UPDATE deliveries SET attempts = :n", n=len(PAUSES) + 1)
    await run(deliveries, delivery_id)
    assert (await outcome(database, delivery_id))[::3] == ("failed", "WorkerLost")
    assert receiver.received == []


async def test_a_worker_that_is_going_away_leaves_it_to_another(
    database: Database, deliveries: DeliveryRunner, draining: Draining, receiver: Receiver
) -> None:
    delivery_id = await make_delivery(database, receiver)
    draining.begin()
    with pytest.raises(Drained):
        await run(deliveries, delivery_id)
    assert await outcome(database, delivery_id) == ("pending", 0, None, None)


async def test_a_worker_that_is_killed_in_the_middle_costs_a_try_and_no_event(
    database: Database, redis_url: str, start: StartWorker, receiver: Receiver
) -> None:
    receiver.answers = [None, OK]
    delivery_id = await make_delivery(database, receiver)
    async with start(**SYSTEM) as worker:
        await until(worker.is_ready, within=30)
        announce_events(redis_url, delivery_id)
        await until(lambda: receiver.received)
        (child,) = worker.pool()
        os.kill(child.pid, signal.SIGKILL)
        assert await outcome(database, delivery_id) == ("pending", 1, None, None)
        await make_due(database)
        announce_events(redis_url, delivery_id)
        await until(lambda: len(receiver.received) == 2)

        async def delivered() -> bool:
            return await outcome(database, delivery_id) == ("delivered", 2, 200, None)

        await until(delivered)
        counted = 'secapi_webhook_deliveries_total{outcome="delivered",reason=""}'
        await until(lambda: worker.metric(counted) == 1)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    ((webhook_id,),) = await fetch(database, "SELECT id FROM webhooks")
    assert Webhook(secret(KEY.encode(), webhook_id, 1)).verify(second.body, second.headers)
