"""Deliveries from message to outcome: tried again, given up, and never lost with the worker that had them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from ledger_factories import execute, fetch
from running_worker import StartWorker
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.deliveries import ping, replay
from secapi_core.ledger.transitions.webhooks import create_webhook
from secapi_core.messages import DELIVER_EVENT, DELIVERIES
from secapi_core.webhooks.schedule import PAUSES
from secapi_core.webhooks.signing import secret
from secapi_operator.broker import celery_app
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import Drained
from secapi_workers.settings import WorkerSettings
from secapi_workers.webhooks.deliveries import DeliveryRunner
from secapi_workers.webhooks.sending import Sender
from waiting import until
from webhook_receiver import OK, Receiver, answer, webhook_receiver

KEY = "a key of the platform"
BUSY = answer("503 Service Unavailable")

MakeDeliveries = Callable[..., DeliveryRunner]


@pytest.fixture
def make_deliveries(database: Database, database_url: str, draining: Draining) -> MakeDeliveries:
    """A worker process's part that tells webhooks."""

    def make(**changes: Any) -> DeliveryRunner:
        values = {
            "database_url": database_url,
            "redis_url": "redis://nowhere",
            "artifact_url": "memory:///",
            "webhook_key": KEY,
            "webhook_allow_http": True,
            "webhook_allowed_cidrs": ["127.0.0.0/8"],
            "webhook_timeout": 2,
        }
        settings = WorkerSettings.model_validate(values | changes)
        return DeliveryRunner(database, Sender(settings, KEY.encode(), timeout=2), settings, draining)

    return make


@pytest.fixture
def deliveries(make_deliveries: MakeDeliveries) -> DeliveryRunner:
    return make_deliveries()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as receiver:
        yield receiver


async def make_webhook(database: Database, receiver: Receiver) -> UUID:
    async with database.transaction() as session:
        return await create_webhook(
            session,
            namespace="team-a",
            url=f"http://127.0.0.1:{receiver.port}/",
            events=["scan.failed"],
            description="",
            created_by="me",
        )


async def make_delivery(database: Database, receiver: Receiver, event: str = "scan.failed") -> UUID:
    """One that is due, of a webhook of its own; as a ping is made, but with another name."""
    webhook_id = await make_webhook(database, receiver)
    async with database.transaction() as session:
        delivery_id = await ping(session, webhook_id)
    await execute(database, "UPDATE deliveries SET event_type = :event WHERE id = :id", event=event, id=delivery_id)
    return delivery_id


async def make_due(database: Database) -> None:
    await execute(database, "UPDATE deliveries SET not_before = now() WHERE state = 'pending'")


async def outcome(database: Database, delivery_id: UUID) -> tuple[Any, ...]:
    (row,) = await fetch(
        database, "SELECT state, attempts, status_code, reason FROM deliveries WHERE id = :id", id=delivery_id
    )
    return tuple(row)


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
    await asyncio.gather(*(deliveries.run(delivery_id) for _ in range(3)))
    assert await outcome(database, delivery_id) == ("delivered", 1, 200, None)
    assert len(receiver.received) == 1


async def test_tries_follow_the_schedule_until_they_are_used_up(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    receiver.answers = [BUSY]
    delivery_id = await make_delivery(database, receiver)
    for attempt, pause in enumerate(PAUSES, start=1):
        await deliveries.run(delivery_id)
        assert await outcome(database, delivery_id) == ("pending", attempt, 503, "Refused")
        assert pause * 0.9 < await waiting(database, delivery_id) <= pause * 1.2
        await make_due(database)
    await deliveries.run(delivery_id)
    assert await outcome(database, delivery_id) == ("failed", len(PAUSES) + 1, 503, "Refused")
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1


async def test_a_receiver_may_ask_to_be_left_alone_for_a_while(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    receiver.answers = [answer("429 Too Many Requests", "Retry-After: 3600")]
    delivery_id = await make_delivery(database, receiver)
    await deliveries.run(delivery_id)
    assert timedelta(minutes=59) < await waiting(database, delivery_id) <= timedelta(hours=1)


async def test_who_is_gone_is_not_asked_again(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    receiver.answers = [answer("410 Gone")]
    first = await make_delivery(database, receiver)
    await deliveries.run(first)
    assert await outcome(database, first) == ("failed", 1, 410, "Gone")
    async with database.transaction() as session:
        second = await replay(session, first)
    await deliveries.run(second)
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
        await deliveries.run(delivery_id)
        assert await fetch(database, "SELECT disabled_reason FROM webhooks") == [(reason,)]


async def test_a_ping_is_sent_once(database: Database, deliveries: DeliveryRunner, receiver: Receiver) -> None:
    receiver.answers = [BUSY]
    delivery_id = await make_delivery(database, receiver, "webhook.ping")
    await deliveries.run(delivery_id)
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
            await deliveries.run(delivery_id)
    await deliveries.run(delivery_id)
    assert await outcome(database, delivery_id) == ("pending", 1, None, None)
    assert len(receiver.received) == 1

    await make_due(database)
    await deliveries.run(delivery_id)
    assert await outcome(database, delivery_id) == ("delivered", 2, 200, None)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_a_delivery_that_only_loses_its_workers_ends(
    database: Database, deliveries: DeliveryRunner, receiver: Receiver
) -> None:
    delivery_id = await make_delivery(database, receiver)
    await execute(database, "UPDATE deliveries SET attempts = :n", n=len(PAUSES) + 1)
    await deliveries.run(delivery_id)
    assert (await outcome(database, delivery_id))[::3] == ("failed", "WorkerLost")
    assert receiver.received == []


async def test_a_worker_that_is_going_away_leaves_it_to_another(
    database: Database, deliveries: DeliveryRunner, draining: Draining, receiver: Receiver
) -> None:
    delivery_id = await make_delivery(database, receiver)
    draining.begin()
    with pytest.raises(Drained):
        await deliveries.run(delivery_id)
    assert await outcome(database, delivery_id) == ("pending", 0, None, None)


def announce(redis_url: str, delivery_id: UUID) -> None:
    app = celery_app(redis_url)
    app.send_task(DELIVER_EVENT, args=[str(delivery_id)], queue=DELIVERIES, task_id=str(delivery_id))
    app.close()


SYSTEM = {
    "SECAPI_WORKER_POOLS": "system",
    "SECAPI_WEBHOOK_KEY": KEY,
    "SECAPI_WEBHOOK_ALLOW_HTTP": "true",
    "SECAPI_WEBHOOK_ALLOWED_CIDRS": '["127.0.0.0/8"]',
}


async def test_a_worker_that_is_killed_in_the_middle_costs_a_try_and_no_event(
    database: Database, redis_url: str, start: StartWorker, receiver: Receiver
) -> None:
    receiver.answers = [None, OK]
    delivery_id = await make_delivery(database, receiver)
    async with start(**SYSTEM) as worker:
        await until(worker.is_ready, within=30)
        announce(redis_url, delivery_id)
        await until(lambda: receiver.received)
        (child,) = worker.pool()
        os.kill(child.pid, signal.SIGKILL)
        assert await outcome(database, delivery_id) == ("pending", 1, None, None)
        await make_due(database)
        announce(redis_url, delivery_id)
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
