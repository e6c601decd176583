"""The broker's memory against the ledger's: queued jobs whose message is gone get a new one.

Messages vanish when Redis is flushed or restarted without its data, and one by one when a worker dies between taking
a message and claiming its job. Neither shows, so each queue's length is compared with the ledger's count of due jobs.
The count of new messages is bounded by the difference: a long queue is never sent a second time (promise P4).
"""

from datetime import timedelta

import structlog

from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.queues import queued_due_by_queue
from secapi_core.ledger.transitions.dispatch import redispatch
from secapi_operator import metrics
from secapi_operator.broker import Broker

log = structlog.get_logger(__name__)


class Redispatcher:
    """Remembers which queues missed messages in the last round: a difference of one moment means nothing."""

    def __init__(self, database: Database, broker: Broker, *, message_age: timedelta) -> None:
        """A message must be older than ``message_age`` to count as lost, unless Redis is known to have lost all."""
        self._database = database
        self._broker = broker
        self._message_age = message_age
        self._missing: dict[str, int] = {}
        self._forgotten = False

    async def round(self) -> None:
        """Compare once."""
        self._forgotten = await self._broker.has_forgotten() or self._forgotten
        async with self._database.transaction() as session:
            due = await queued_due_by_queue(session)
        lengths = await self._broker.lengths(due)
        missing = {queue: count - lengths[queue] for queue, count in due.items() if count > lengths[queue]}
        for queue, count in missing.items():
            if self._forgotten:
                await self._send_again(queue, count, timedelta(0), cause="flush")
            elif queue in self._missing:
                await self._send_again(queue, min(count, self._missing[queue]), self._message_age, cause="loss")
        self._missing, self._forgotten = missing, False

    async def _send_again(self, queue: str, missing: int, older_than: timedelta, *, cause: str) -> None:
        async with self._database.transaction() as session:
            sent = await redispatch(session, queue, missing=missing, older_than=older_than)
        if sent:
            metrics.JOBS_REDISPATCHED.labels(queue, cause).inc(sent)
            log.warning("messages were lost", queue=queue, cause=cause, missing=missing, sent_again=sent)
