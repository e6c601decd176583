"""Word between the API's processes that something has changed, so that the others know at once instead of soon.

Only a hint (promise P4): without Redis every process finds the same by asking the ledger, or by forgetting in time.
"""

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from secapi_api.redis import RedisAway, SharedMemory
from secapi_core.errors import describe

SCANS_CHANGED = "scans:changed"
KEYS_ENDED = "api-keys:ended"
"""Channels; a message is the id of what has changed."""

Heard = Callable[[UUID], None]

_CHECK_SECONDS = 5.0
_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Hints:
    """One process's subscription, and what it publishes."""

    def __init__(self, memory: SharedMemory) -> None:
        """Contact nobody yet."""
        self._memory = memory

    async def publish(self, channel: str, changed: UUID) -> None:
        """Tell every process, or nobody if Redis is away."""
        try:
            await self._memory.ask(lambda redis: redis.publish(channel, str(changed)))
        except RedisAway:
            return

    async def listen(self, heard: Mapping[str, Heard]) -> None:
        """Call what ``heard`` has for a hint's channel, until cancelled; subscribe again after every failure."""
        while True:
            try:
                await self._subscribed(self._memory.client, heard)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("no hints from redis", error=describe(error), pause=_PAUSE_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _subscribed(self, redis: Redis, heard: Mapping[str, Heard]) -> None:
        """Return never; raise when the connection is lost or does not answer any more."""
        async with redis.pubsub() as subscription:
            await subscription.subscribe(*heard)
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
                if message["type"] == "message" and (changed := _id(message["data"])):
                    heard[message["channel"].decode()](changed)


def _id(data: bytes) -> UUID | None:
    """Whoever else publishes on the channel must not stop us."""
    try:
        return UUID(data.decode())
    except ValueError:
        return None
