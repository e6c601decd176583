"""Many deliveries at a time: one tenant's receivers that hang delay nobody else's events, and nothing gets lost."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from ledger_factories import execute, fetch
from running_worker import StartWorker
from secapi_core.ledger.database import Database
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import Drained
from secapi_workers.webhooks.courier import Courier
from secapi_workers.webhooks.deliveries import DeliveryRunner
from secapi_workers.webhooks.sending import Sender
from secapi_workers.webhooks.thread import DeliveryThread
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
from webhook_receiver import Receiver, here, webhook_receiver

MakeCourier = Callable[..., Courier]

DELIVERED = ("delivered", 1, 200, None)
PUT_OFF = ("pending", 0, None, None)
UNDER_WAY = ("pending", 1, None, None)


@pytest.fixture
async def make_courier(database: Database, database_url: str, draining: Draining) -> AsyncIterator[MakeCourier]:
    """A worker process's courier; what it has under way at a test's end is cut off."""
    made = []

    def make(**changes: Any) -> Courier:
        settings = system_settings(database_url, **{"webhook_timeout": 60, "webhook_concurrency": 8} | changes)
        sender = Sender(settings, KEY.encode(), timeout=settings.webhook_timeout, resolve=here)
        made.append(Courier(DeliveryRunner(database, sender, settings, draining), settings, draining))
        return made[-1]

    yield make
    draining.release()
    for courier in made:
        await courier.finish()


@pytest.fixture
async def silent() -> AsyncIterator[Receiver]:
    """A receiver that takes requests and never answers."""
    async with webhook_receiver(None) as receiver:
        yield receiver


async def until_ended(database: Database, delivery_id: UUID) -> None:
    """Wait, for less than a try in these tests may take."""

    async def ended() -> bool:
        state: str = (await outcome(database, delivery_id))[0]
        return state != "pending"

    await until(ended, within=20)


class TestShares:
    """With eight places, two are for one namespace, and one for one webhook."""

    async def test_a_webhook_that_hangs_delays_neither_its_neighbour_nor_another_tenant(
        self, database: Database, make_courier: MakeCourier, silent: Receiver, receiver: Receiver
    ) -> None:
        hanging = await make_receiving_webhook(database, silent.port)
        neighbour = await make_receiving_webhook(database, receiver.port)
        other = await make_receiving_webhook(database, receiver.port, namespace="team-b")
        stuck = [await due_delivery(database, hanging) for _ in range(10)]
        answered = [await due_delivery(database, webhook) for webhook in (neighbour, other)]
        courier = make_courier()
        for delivery_id in [*stuck, *answered]:
            async with asyncio.timeout(5):
                await courier.take(delivery_id)
        for delivery_id in answered:
            await until_ended(database, delivery_id)
            assert await outcome(database, delivery_id) == DELIVERED
        assert [await outcome(database, delivery_id) for delivery_id in stuck] == [UNDER_WAY, *[PUT_OFF] * 9]

    async def test_a_tenant_with_many_webhooks_that_hang_has_no_more_than_its_share(
        self, database: Database, make_courier: MakeCourier, silent: Receiver
    ) -> None:
        webhooks = [await make_receiving_webhook(database, silent.port) for _ in range(4)]
        stuck = [await due_delivery(database, webhook) for webhook in webhooks]
        courier = make_courier()
        for delivery_id in stuck:
            await courier.take(delivery_id)
        assert [await outcome(database, delivery_id) for delivery_id in stuck] == [*[UNDER_WAY] * 2, *[PUT_OFF] * 2]

    async def test_what_was_put_off_is_announced_again_and_sent_when_there_is_room(
        self, database: Database, make_courier: MakeCourier, receiver: Receiver
    ) -> None:
        receiver.seconds = 0.5
        webhook = await make_receiving_webhook(database, receiver.port)
        first, second = [await due_delivery(database, webhook) for _ in range(2)]
        await execute(database, "DELETE FROM outbox")
        courier = make_courier()
        for delivery_id in (first, second):
            await courier.take(delivery_id)
        assert await fetch(database, "SELECT delivery_id, not_before > now() FROM outbox") == [(second, True)]
        await until_ended(database, first)
        await make_due(database)
        await courier.take(second)
        await until_ended(database, second)
        assert await outcome(database, second) == DELIVERED


class TestPlaces:
    """There is an end to what a process does at a time, and to what it does at all."""

    async def test_without_a_place_the_next_waits_for_one(
        self, database: Database, make_courier: MakeCourier, silent: Receiver, receiver: Receiver
    ) -> None:
        first = await due_delivery(database, await make_receiving_webhook(database, silent.port))
        second = await due_delivery(database, await make_receiving_webhook(database, receiver.port, namespace="team-b"))
        courier = make_courier(webhook_concurrency=1, webhook_timeout=1)
        await courier.take(first)
        await courier.take(second)
        assert await outcome(database, first) == ("pending", 1, None, "TimedOut")
        await courier.finish()
        assert await outcome(database, second) == DELIVERED

    async def test_what_is_under_way_may_end_before_the_process_does(
        self, database: Database, make_courier: MakeCourier, draining: Draining, receiver: Receiver
    ) -> None:
        receiver.seconds = 0.5
        webhook = await make_receiving_webhook(database, receiver.port)
        first, second = [await due_delivery(database, webhook) for _ in range(2)]
        courier = make_courier()
        await courier.take(first)
        draining.begin()
        with pytest.raises(Drained):
            await courier.take(second)
        await courier.finish()
        assert await outcome(database, first) == DELIVERED
        assert await outcome(database, second) == PUT_OFF

    async def test_what_takes_too_long_for_that_is_tried_again_after_its_lease(
        self, database: Database, make_courier: MakeCourier, draining: Draining, silent: Receiver
    ) -> None:
        delivery_id = await due_delivery(database, await make_receiving_webhook(database, silent.port))
        courier = make_courier(drain_seconds=0)
        await courier.take(delivery_id)
        draining.begin()
        async with asyncio.timeout(5):
            await courier.finish()
        rows = await fetch(database, "SELECT state, attempts, not_before > now() FROM deliveries")
        assert rows == [("pending", 1, True)]


async def test_names_whose_servers_are_silent_do_not_keep_others_from_being_resolved(
    database: Database,
    database_url: str,
    draining: Draining,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering, real = threading.Event(), socket.getaddrinfo

    def resolve(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "silent.example":
            answering.wait()
        return real("127.0.0.1" if host.endswith(".example") else host, *arguments, **options)

    hosts = ["silent.example"] * 12 + ["hooks.example"]
    webhooks = [await make_receiving_webhook(database, receiver.port, host=host) for host in hosts]
    deliveries = [await due_delivery(database, webhook) for webhook in webhooks]
    last = deliveries[-1]
    thread = DeliveryThread(system_settings(database_url, webhook_timeout=60), KEY.encode(), draining)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        for delivery_id in deliveries:
            await asyncio.to_thread(thread.take, delivery_id)
        await until_ended(database, last)
    finally:
        answering.set()
        await asyncio.to_thread(thread.close)
    assert await outcome(database, last) == DELIVERED


async def test_a_worker_with_one_process_tells_others_while_many_receivers_hang(
    database: Database, redis_url: str, start: StartWorker, silent: Receiver, receiver: Receiver
) -> None:
    webhooks = [await make_receiving_webhook(database, silent.port) for _ in range(10)]
    stuck = [await due_delivery(database, webhook) for webhook in webhooks for _ in range(10)]
    other = await due_delivery(database, await make_receiving_webhook(database, receiver.port, namespace="team-b"))
    async with start(**SYSTEM, SECAPI_WEBHOOK_TIMEOUT="60") as worker:
        await until(worker.is_ready, within=30)
        announce_events(redis_url, *stuck, other)
        await until_ended(database, other)
        assert await outcome(database, other) == DELIVERED
        await until(lambda: len(silent.received) == 16)
        assert worker.metric('secapi_worker_deliveries_total{result="postponed"}') == 84


async def test_a_worker_that_is_told_to_end_finishes_what_it_sends(
    database: Database, redis_url: str, start: StartWorker, receiver: Receiver
) -> None:
    receiver.seconds = 2
    delivery_id = await due_delivery(database, await make_receiving_webhook(database, receiver.port))
    async with start(**SYSTEM) as worker:
        await until(worker.is_ready, within=30)
        announce_events(redis_url, delivery_id)
        await until(lambda: receiver.received)
        worker.process.terminate()
        assert await asyncio.to_thread(worker.process.wait, 15) == 0
    assert await outcome(database, delivery_id) == DELIVERED
