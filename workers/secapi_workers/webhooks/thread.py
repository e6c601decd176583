"""The thread in which a process sends events, so that Celery has its process back as soon as a try has begun.

The process's own event loop runs only as long as a job does. This one always runs, with its own database connections.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

from secapi_core.ledger.database import Database
from secapi_core.webhooks.resolver import Resolver
from secapi_workers.runner.draining import Draining
from secapi_workers.settings import WorkerSettings
from secapi_workers.webhooks.courier import Courier
from secapi_workers.webhooks.deliveries import DeliveryRunner
from secapi_workers.webhooks.sending import Sender

RESOLVERS = 4
"""Threads for each place: asking for a name cannot be cut off, and may go on when its try and the next are over."""

T = TypeVar("T")


class DeliveryThread:
    """Made in a worker process after the fork."""

    def __init__(self, settings: WorkerSettings, key: bytes, draining: Draining) -> None:
        """Start the thread; connects to nothing yet. ``key`` is what secrets are derived from."""
        self._loop = asyncio.new_event_loop()
        self.database = Database(settings, application="secapi-worker")
        self._resolver = Resolver(threads=RESOLVERS * settings.webhook_concurrency)
        sender = Sender(settings, key, timeout=settings.webhook_timeout, resolve=self._resolver)
        self._courier = Courier(DeliveryRunner(self.database, sender, settings, draining), settings, draining)
        self._thread = threading.Thread(target=self._loop.run_forever, name="deliveries", daemon=True)
        self._thread.start()

    def take(self, delivery_id: UUID) -> None:
        """Begin a try of a delivery; raises Drained if this worker takes no more."""
        self._run(self._courier.take(delivery_id))

    def close(self) -> None:
        """Let what is under way end, then let go of everything."""
        self._run(self._courier.finish())
        self._run(self.database.close())
        self._resolver.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
