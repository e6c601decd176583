"""How much one caller may ask for: a sliding window for each of them and each kind of request.

Requests of the window before count in proportion to how much of it the window still covers. The count is kept in
Redis, for all processes; a process takes a handful at a time, so most requests cost no round trip. Without Redis
(promise P4) each process counts by itself.
"""

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil

from cachetools import TTLCache

from secapi_api.errors import RateLimited
from secapi_api.metrics import RATE_LIMITED
from secapi_api.redis import RedisAway, SharedMemory

WINDOW_SECONDS = 60
_CALLERS = 10_000

# The rules of ``Window.take`` on Redis's clock: KEYS[1] is the window, ARGV are limit, milliseconds, and how many.
_TAKE = """
local limit, length, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local number, elapsed = math.floor(now / length), now % length
local kept = redis.call('HMGET', KEYS[1], 'number', 'count', 'before')
local count, before = tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
if tonumber(kept[1]) ~= number then
  before = tonumber(kept[1]) == number - 1 and count or 0
  count = 0
end
local room = math.floor(limit - count - before * (length - elapsed) / length)
local taken = math.max(0, math.min(wanted, room))
if taken > 0 then
  redis.call('HSET', KEYS[1], 'number', number, 'count', count + taken, 'before', before)
  redis.call('PEXPIRE', KEYS[1], 2 * length)
end
return {taken, math.max(0, room - taken), length - elapsed}
"""

# The rules of ``Window.give_back``: KEYS[1] is the window, ARGV[1] milliseconds.
_GIVE_BACK = """
local time = redis.call('TIME')
local number = math.floor((time[1] * 1000 + math.floor(time[2] / 1000)) / tonumber(ARGV[1]))
local kept = redis.call('HMGET', KEYS[1], 'number', 'count')
if tonumber(kept[1]) == number and tonumber(kept[2]) > 0 then
  redis.call('HINCRBY', KEYS[1], 'count', -1)
end
"""


class RequestKind(StrEnum):
    """What is counted separately."""

    READS = "reads"
    WRITES = "writes"
    LOGINS = "logins"
    """With one address."""

    CLIENT_LOGINS = "client-logins"
    """From one client, which may be a proxy that many people are behind."""

    REFUSED_CREDENTIALS = "refused-credentials"
    """The same for API keys and tokens that prove nobody."""


_ONE_BY_ONE = frozenset({RequestKind.REFUSED_CREDENTIALS})
"""Most of these are given back, and what a process had at hand besides would look refused to the others."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A request that may go on: ``remaining`` more, and the seconds until the window ends."""

    kind: RequestKind
    limit: int
    remaining: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """``RateLimit`` and ``RateLimit-Policy`` as draft-ietf-httpapi-ratelimit-headers-10 has them."""
        return {
            "RateLimit-Policy": f'"{self.kind}";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.kind}";r={self.remaining};t={self.seconds}',
        }


@dataclass(slots=True)
class Window:
    """One process's own count."""

    number: int = 0
    count: int = 0
    before: int = 0

    def take(self, limit: int, wanted: int, now: float) -> tuple[int, int, float]:
        """How many of ``wanted`` there is room for, how many are left then, and the seconds until the window ends."""
        number, elapsed = divmod(now, WINDOW_SECONDS)
        if number != self.number:
            self.before = self.count if number == self.number + 1 else 0
            self.number, self.count = int(number), 0
        room = int(limit - self.count - self.before * (WINDOW_SECONDS - elapsed) / WINDOW_SECONDS)
        taken = max(0, min(wanted, room))
        self.count += taken
        return taken, max(0, room - taken), WINDOW_SECONDS - elapsed

    def give_back(self, now: float) -> None:
        """One less after all; if that window is over, nothing, because what it counted fades by itself."""
        if now // WINDOW_SECONDS == self.number and self.count:
            self.count -= 1


@dataclass(slots=True)
class _Handful:
    """What a process has taken of the current window and not used yet; one request at a time takes more."""

    left: int = 0
    remaining: int = 0
    window_ends: float = 0.0
    own: Window = field(default_factory=Window)
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def empty(self) -> bool:
        """Whether there is nothing left that counts."""
        return not self.left or time.monotonic() >= self.window_ends


class RateLimits:
    """The limits of all callers; ``limits`` are requests a minute."""

    def __init__(self, memory: SharedMemory, limits: dict[RequestKind, int]) -> None:
        """Count in ``memory``."""
        self._memory = memory
        self._limits = limits
        self._handfuls: TTLCache[tuple[str, RequestKind], _Handful] = TTLCache(_CALLERS, 2 * WINDOW_SECONDS)

    async def take(self, caller: str, kind: RequestKind) -> Allowance:
        """Count one request; raises RateLimited with the seconds to wait."""
        limit = self._limits[kind]
        handful = self._handfuls.get((caller, kind))
        if handful is None:
            handful = self._handfuls[caller, kind] = _Handful()
        if handful.empty:
            async with handful.taking:
                if handful.empty:
                    await self._refill(handful, caller, kind, limit)
        seconds = ceil(max(1.0, handful.window_ends - time.monotonic()))
        if not handful.left:
            RATE_LIMITED.labels(kind).inc()
            told = Allowance(kind, limit, 0, seconds)
            raise RateLimited(
                f"more than {limit} {kind} a minute; wait {seconds} s",
                headers={"Retry-After": str(seconds), **told.headers},
            )
        handful.left -= 1
        return Allowance(kind, limit, handful.remaining + handful.left, seconds)

    async def give_back(self, caller: str, kind: RequestKind) -> None:
        """A request that was taken turned out not to count."""
        handful = self._handfuls.get((caller, kind))
        try:
            await self._memory.ask(lambda redis: redis.eval(_GIVE_BACK, 1, _key(caller, kind), WINDOW_SECONDS * 1000))
        except RedisAway:
            if handful is not None:
                handful.own.give_back(time.time())

    async def _refill(self, handful: _Handful, caller: str, kind: RequestKind, limit: int) -> None:
        wanted = 1 if kind in _ONE_BY_ONE else max(1, limit // 100)
        try:
            taken, remaining, milliseconds = await self._memory.ask(
                lambda redis: redis.eval(_TAKE, 1, _key(caller, kind), limit, WINDOW_SECONDS * 1000, wanted)
            )
            seconds = milliseconds / 1000
        except RedisAway:
            taken, remaining, seconds = handful.own.take(limit, wanted, time.time())
        handful.left, handful.remaining = taken, remaining
        handful.window_ends = time.monotonic() + seconds


def _key(caller: str, kind: RequestKind) -> str:
    return f"rate:{kind}:{caller}"
