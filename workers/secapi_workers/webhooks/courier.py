"""Tries side by side: a receiver that hangs costs its tenant some of a process's places, and others no time.

A process has a number of places. A namespace gets a quarter of them and a webhook a sixteenth, at least one: what comes
beyond that is put off in the ledger, so that it neither waits here, where all would wait behind it, nor uses up a try.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

import structlog

from secapi_core.ledger.types import ClaimedDelivery
from secapi_workers.runner.draining import Draining
from secapi_workers.settings import WorkerSettings
from secapi_workers.webhooks.deliveries import Busy, DeliveryRunner

log = structlog.get_logger(__name__)

NAMESPACES = 4
WEBHOOKS = 16
"""How many of them can use up all places."""

T = TypeVar("T")


class Courier:
    """Takes deliveries one after another and tries them at the same time."""

    def __init__(self, runner: DeliveryRunner, settings: WorkerSettings, draining: Draining) -> None:
        """Nothing is under way yet."""
        self._runner = runner
        self._places = settings.webhook_concurrency
        self._patience = settings.drain_seconds
        self._draining = draining
        self._under_way: dict[asyncio.Task[None], ClaimedDelivery] = {}

    async def take(self, delivery_id: UUID) -> None:
        """Begin the next try of a delivery, once there is a place; raises Drained if this worker takes no more.

        One at a time: who is busy is known when the one before has begun.
        """
        while len(self._under_way) >= self._places:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        claim = await self._runner.claim(delivery_id, self._busy())
        if claim is not None:
            task = asyncio.create_task(self._runner.carry_out(claim))
            self._under_way[task] = claim.delivery
            task.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Let what is under way end; what takes longer than a draining worker may is tried again after its lease."""
        tasks = list(self._under_way)

        async def cut_off() -> None:
            await self._draining.given_up(self._patience)
            for task in tasks:
                task.cancel()

        waiting = asyncio.create_task(cut_off())
        await asyncio.gather(*tasks, return_exceptions=True)
        waiting.cancel()
        await asyncio.wait({waiting})

    def _busy(self) -> Busy:
        deliveries = self._under_way.values()
        return Busy(
            webhooks=_with((delivery.webhook_id for delivery in deliveries), self._places // WEBHOOKS),
            namespaces=_with((delivery.namespace for delivery in deliveries), self._places // NAMESPACES),
        )

    def _ended(self, task: "asyncio.Task[None]") -> None:
        delivery = self._under_way.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A defect costs the try: when its lease is over, the next may begin.
            log.error("defect while delivering", delivery_id=str(delivery.id), exc_info=error)


def _with(subjects: Iterable[T], most: int) -> list[T]:
    """Those that have their share."""
    return [subject for subject, places in Counter(subjects).items() if places >= max(most, 1)]
