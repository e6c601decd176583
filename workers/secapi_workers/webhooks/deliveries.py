"""One delivery from claim to outcome, as ``runner.jobs`` is for jobs, only that nothing has to be kept alive meanwhile.

What is cut off between the request and its outcome is tried again when its lease is over: a receiver may get an event
twice, and knows it by its ``webhook-id``.
"""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from secapi_core import tracing
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.deliveries import claim_delivery, end_delivery, postpone_delivery, retry_delivery
from secapi_core.ledger.types import ClaimedDelivery, DeliveryAnswer
from secapi_core.webhooks.events import DeliveryFailure, Event
from secapi_core.webhooks.schedule import pause
from secapi_workers import metrics
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import TRY_SECONDS, Drained
from secapi_workers.runner.retries import Unavailable, persistently
from secapi_workers.settings import WorkerSettings
from secapi_workers.webhooks.sending import Sender

log = structlog.get_logger(__name__)

FINAL = frozenset({DeliveryFailure.GONE, DeliveryFailure.WEBHOOK_DISABLED, DeliveryFailure.WORKER_LOST})
"""Failures after which trying again makes no sense."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Whose deliveries are put off, because so many of theirs are under way."""

    webhooks: Sequence[UUID] = ()
    namespaces: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery whose next try is this worker's, and when it was asked for on the monotonic clock."""

    delivery: ClaimedDelivery
    asked: float


class DeliveryRunner:
    """Sends events, as many at a time as its caller lets it. Made in a worker process after the fork."""

    def __init__(self, database: Database, sender: Sender, settings: WorkerSettings, draining: Draining) -> None:
        """A try is its worker's for as long as it may take and a lease on top."""
        self._database = database
        self._sender = sender
        self._settings = settings
        self._draining = draining
        self._lease_seconds = settings.webhook_timeout + settings.lease_seconds

    async def claim(self, delivery_id: UUID, busy: Busy) -> Claim | None:
        """The next try, if it is due and not for somebody ``busy``; raises Drained if this worker takes no more."""
        with bound_contextvars(delivery_id=str(delivery_id)):
            asked = time.monotonic()
            result, delivery = await self._look(delivery_id, busy)
            metrics.DELIVERIES.labels(result).inc()
            if delivery is None:
                log.debug(f"delivery {result}")
                return None
            return Claim(delivery, asked)

    async def carry_out(self, claim: Claim) -> None:
        """Make the try, and write down how it went."""
        delivery = claim.delivery
        attributes: tracing.Attributes = {
            "secapi.webhook.id": str(delivery.webhook_id),
            "secapi.attempt": delivery.attempts,
            "k8s.namespace.name": delivery.namespace,
        }
        with (
            bound_contextvars(
                delivery_id=str(delivery.id), webhook_id=str(delivery.webhook_id), attempt=delivery.attempts
            ),
            tracing.span(f"deliver {delivery.event_type}", began=claim.asked, attributes=attributes),
        ):
            answer = await self._try(delivery)
            await self._settle(delivery, answer, claim.asked + self._lease_seconds)

    async def _look(self, delivery_id: UUID, busy: Busy) -> tuple[str, ClaimedDelivery | None]:
        """What becomes of a message: ``claimed``, ``postponed`` or ``dropped``, because there is nothing to claim."""
        if self._draining.begun:
            raise Drained

        async def look() -> tuple[str, ClaimedDelivery | None]:
            async with self._database.transaction() as session:
                if (busy.webhooks or busy.namespaces) and await postpone_delivery(
                    session, delivery_id, webhooks=busy.webhooks, namespaces=busy.namespaces
                ):
                    return "postponed", None
                delivery = await claim_delivery(session, delivery_id, lease_seconds=self._lease_seconds)
                return "claimed" if delivery else "dropped", delivery

        try:
            return await persistently(
                look, seconds_left=lambda: 0.0 if self._draining.begun else math.inf, try_seconds=TRY_SECONDS
            )
        except Unavailable:
            raise Drained from None

    async def _try(self, delivery: ClaimedDelivery) -> DeliveryAnswer:
        if delivery.disabled:
            return DeliveryAnswer(DeliveryFailure.WEBHOOK_DISABLED, "the webhook was disabled before this was sent")
        if delivery.attempts > self._most(delivery):
            return DeliveryAnswer(DeliveryFailure.WORKER_LOST, "its workers fell silent, so nobody knows")
        try:
            return await self._sender.send(delivery)
        except Exception as error:
            # A defect fails the try, not the worker.
            log.exception("defect while delivering")
            tracing.failed(error)
            return DeliveryAnswer(DeliveryFailure.INTERNAL_ERROR, f"unexpected {type(error).__name__} in the worker")

    async def _settle(self, delivery: ClaimedDelivery, answer: DeliveryAnswer, expires: float) -> None:
        """Write down how it went, for as long as that counts."""
        outcome = self._outcome(delivery, answer)

        async def settle() -> bool:
            async with self._database.transaction() as session:
                return await self._write(session, delivery, answer, outcome)

        try:
            counted = await persistently(
                settle, seconds_left=lambda: expires - time.monotonic(), try_seconds=TRY_SECONDS
            )
        except Unavailable:
            counted = False
        outcome = outcome if counted else "lost"
        metrics.WEBHOOK_DELIVERIES.labels(outcome, answer.failure or "").inc()
        log.info(f"event {outcome}", status=answer.status_code, reason=answer.failure)

    async def _write(
        self, session: AsyncSession, delivery: ClaimedDelivery, answer: DeliveryAnswer, outcome: str
    ) -> bool:
        if outcome == "retried":
            waiting = pause(delivery.attempts, answer.retry_after, random.SystemRandom())
            return await retry_delivery(session, delivery, answer, waiting)
        return await end_delivery(session, delivery, answer, disable_after=self._settings.webhook_disable_after)

    def _outcome(self, delivery: ClaimedDelivery, answer: DeliveryAnswer) -> str:
        if answer.failure is None:
            return "delivered"
        final = answer.failure in FINAL or delivery.attempts >= self._most(delivery)
        return "failed" if final else "retried"

    def _most(self, delivery: ClaimedDelivery) -> int:
        """Whoever pings waits for the answer and can ping again."""
        return 1 if delivery.event_type == Event.PING else self._settings.webhook_max_attempts
