"""Word between the API's processes that a scan has changed, so that the others look at once instead of soon.

Only a hint (promise P4): without Redis every process finds the same by asking the ledger.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from secapi_api.redis import RedisAway, SharedMemory
from secapi_core.errors import describe

CHANNEL = "scans:changed"
"""The message is the scan's id."""

_CHECK_SECONDS = 5.0
_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class ScanHints:
    """One process's subscription, and what it publishes."""

    def __init__(self, memory: SharedMemory) -> None:
        """Contact nobody yet."""
        self._memory = memory

    async def publish(self, scan_id: UUID) -> None:
        """Tell every process, or nobody if Redis is away."""
        try:
            await self._memory.ask(lambda redis: redis.publish(CHANNEL, str(scan_id)))
        except RedisAway:
            return

    async def listen(self, heard: Callable[[UUID], None]) -> None:
        """Call ``heard`` for every hint, until cancelled; subscribe again after every failure."""
        while True:
            try:
                await self._subscribed(self._memory.client, heard)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("no hints from redis", error=describe(error), pause=_PAUSE_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _subscribed(self, redis: Redis, heard: Callable[[UUID], None]) -> None:
        """Return never; raise when the connection is lost or does not answer any more."""
        async with redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            asked = False
            while True:
                message = await subscription.get_message(timeout=_CHECK_SECONDS)
                if message is None:
                    if asked:
                        raise TimeoutError("redis does not answer any more")
                    await subscription.ping()
                    asked = True
                    continue
                asked = False
                if message["type"] == "message" and (scan_id := _scan_id(message["data"])):
                    heard(scan_id)


def _scan_id(data: bytes) -> UUID | None:
    """Whoever else publishes on the channel must not stop us."""
    try:
        return UUID(data.decode())
    except ValueError:
        return None
