"""Answers that are dear to make and may be some seconds old: kept in Redis, made by one at a time.

When an answer is missing, of all that want it one in each process asks for it, and of those one makes it: it holds a
lock for that key, which ends by itself should its holder die. The others wait for the result, but not for long; then
they make it themselves. Without Redis (promise P4) each process makes its own, still one at a time.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from typing import cast

from secapi_api.metrics import CACHE_READS
from secapi_api.redis import RedisAway, SharedMemory
from secapi_api.tasks import SingleFlight

LOCK_SECONDS = 5.0
"""The longest that one may take to make an answer before another tries."""

WAIT_SECONDS = 2.0
"""The longest that a request waits for an answer that another one makes."""

JITTER = 0.1
"""Part of its time by which an answer's end varies, so that not all end together."""

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"


class Outcome(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    MADE = "made"
    WAITED = "waited"
    AWAY = "away"


class Cache:
    """Shared by all processes."""

    def __init__(self, memory: SharedMemory) -> None:
        """Keep answers in ``memory``."""
        self._memory = memory
        self._reads: SingleFlight[str, bytes] = SingleFlight()

    async def get(self, kind: str, key: str, make: Callable[[], Awaitable[bytes]], *, seconds: float) -> bytes:
        """The answer for ``key`` of this ``kind``, not older than about ``seconds``; raises what ``make`` raises."""
        name = f"cache:{kind}:{key}"
        return await self._reads(name, lambda: self._read(kind, name, make, seconds))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._reads.close()

    async def _read(self, kind: str, name: str, make: Callable[[], Awaitable[bytes]], seconds: float) -> bytes:
        try:
            outcome, answer = await self._shared(name, make, seconds)
        except RedisAway:
            outcome, answer = Outcome.AWAY, await make()
        CACHE_READS.labels(kind, outcome).inc()
        return answer

    async def _shared(self, name: str, make: Callable[[], Awaitable[bytes]], seconds: float) -> tuple[Outcome, bytes]:
        if (kept := cast("bytes | None", await self._memory.ask(lambda redis: redis.get(name)))) is not None:
            return Outcome.HIT, kept
        lock, token = f"{name}:lock", secrets.token_hex(8)
        locked = await self._memory.ask(lambda redis: redis.set(lock, token, nx=True, px=int(LOCK_SECONDS * 1000)))
        if not locked and (others := await self._made_by_another(name, lock)) is not None:
            return Outcome.WAITED, others
        try:
            answer = await make()
            with suppress(RedisAway):
                lifetime = seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 -- no secret
                await self._memory.ask(lambda redis: redis.set(name, answer, px=int(lifetime * 1000)))
        finally:
            with suppress(RedisAway):
                await self._memory.ask(lambda redis: redis.eval(_RELEASE, 1, lock, token))
        return Outcome.MADE, answer

    async def _made_by_another(self, name: str, lock: str) -> bytes | None:
        """What the lock's holder makes; ``None`` if it takes too long, or gives up."""
        pause, give_up = 0.01, asyncio.get_running_loop().time() + WAIT_SECONDS
        while asyncio.get_running_loop().time() < give_up:
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.1)
            kept, held = await self._memory.ask(lambda redis: redis.mget(name, lock))
            if kept is not None:
                return cast("bytes", kept)
            if held is None:
                return None
        return None
