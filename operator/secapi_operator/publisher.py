"""The outbox's other end: what transitions promised to send goes to the broker, and only then leaves the ledger.

Taking, sending and marking share one transaction. If the broker fails, or this process dies anywhere in between, the
messages are sent again; a job that is announced twice is claimed once.
"""

import asyncio
from collections import Counter

import structlog

from secapi_core.errors import describe
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.dispatch import mark_dispatched, next_due, take_outbox
from secapi_operator import metrics
from secapi_operator.backoff import Backoff
from secapi_operator.broker import Broker
from secapi_operator.periodic import event_or_timeout

log = structlog.get_logger(__name__)

_BATCH = 200


class Publisher:
    """Sends what is due whenever it is woken, and looks by itself from time to time."""

    def __init__(self, database: Database, broker: Broker, *, poll_interval: float) -> None:
        """``poll_interval`` bounds the delay if a wake-up is missed."""
        self._database = database
        self._broker = broker
        self._poll_interval = poll_interval
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be new messages."""
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        backoff = Backoff(first=0.2, ceiling=5.0)
        while True:
            try:
                # Cleared before looking: what is committed from here on sets it again.
                self._woken.clear()
                while (pause := await self._publish_batch()) == 0:
                    pass
            # Broker and ledger fail in many ways, and whatever else is wrong, sending must be tried again (promise P4).
            except Exception as error:
                metrics.PUBLISH_ERRORS.labels(type(error).__name__).inc()
                log.warning("outbox not published", failures=backoff.failures + 1, error=describe(error))
                await backoff.failed()
                continue
            backoff.reset()
            await event_or_timeout(self._woken, pause)

    async def _publish_batch(self) -> float:
        """Send one batch; returns the seconds until there may be more, which is zero after a full one."""
        async with self._database.transaction() as session:
            items = await take_outbox(session, _BATCH)
            if items:
                await self._broker.publish(items)
                await mark_dispatched(session, items)
            due_in = None if len(items) == _BATCH else await next_due(session)
        for queue, count in Counter(item.queue for item in items).items():
            metrics.MESSAGES_PUBLISHED.labels(queue).inc(count)
        if len(items) == _BATCH:
            return 0.0
        return self._poll_interval if due_in is None else min(self._poll_interval, max(0.01, due_in.total_seconds()))
