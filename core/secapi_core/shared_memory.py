"""Redis as a place for what can be done without, or made again: at once or not at all (promise P4).

Nobody waits for it long: a command has a fraction of a second, and after a failure Redis is left alone for a moment
instead of holding up whatever comes next in turn.
"""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from secapi_core.errors import describe
from secapi_core.metrics import REDIS_FAILURES

log = structlog.get_logger(__name__)

T = TypeVar("T")

REST_SECONDS = 1.0
"""How long Redis is left alone after a failure."""

TIMEOUT_SECONDS = 0.25
"""Longest wait for one answer, and for a connection, unless whoever opens it says otherwise."""


class RedisAway(Exception):
    """Redis does not answer, or not in time, or cannot do it: go on without."""


class SharedMemory:
    """One process's connections to Redis; in a forking server, make it after the fork."""

    def __init__(self, url: str, *, connections: int, timeout: float = TIMEOUT_SECONDS) -> None:
        """Connect on demand; whoever asks waits for a free connection as briefly as for an answer."""
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )
        self.client: Redis = Redis(connection_pool=pool)
        self._resting_until = 0.0

    @property
    def resting(self) -> bool:
        """Whether Redis has just failed and nobody is to ask it for a moment."""
        return time.monotonic() < self._resting_until

    async def ask(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """The answer to a command; raises RedisAway."""
        if self.resting:
            raise RedisAway
        try:
            return await command(self.client)
        except (RedisError, OSError, TimeoutError) as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            REDIS_FAILURES.labels(type(error).__name__).inc()
            log.warning("redis is left alone for a moment", error=describe(error), pause=REST_SECONDS)
            raise RedisAway from error

    async def close(self) -> None:
        """Close every connection."""
        await self.client.aclose(close_connection_pool=True)
