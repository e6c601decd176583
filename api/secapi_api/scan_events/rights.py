"""Whether the caller of a stream may still read what it is about."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from secapi_api.auth import scopes
from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import Forbidden, RateLimited, Unauthenticated, Unavailable

_ASKS = 12
"""How often an answer is asked for, at most, while it does not come."""


class StandingRights:
    """Rights that were confirmed a moment ago, and are again before ``age`` seconds have passed.

    ``ask_at`` is when that is tried next.
    """

    def __init__(self, identify: Callable[[], Awaitable[Caller]], namespace: str, *, age: float) -> None:
        """``identify`` raises Unauthenticated once the credential is not good any more."""
        self._identify = identify
        self._namespace = namespace
        self._age = age
        self._good_until = time.monotonic() + age
        self.ask_at = time.monotonic() + age / 2

    async def hold(self) -> bool:
        """Whether they do. Where nobody answers, they do until they are too old."""
        now = time.monotonic()
        if now < self.ask_at:
            return True
        self.ask_at = now + self._age / _ASKS
        try:
            async with asyncio.timeout(self._age / _ASKS):
                caller = await self._identify()
            caller.require_scope(scopes.needed("scans", "GET"))
            caller.require(Role.VIEWER, self._namespace)
        except (Unauthenticated, Forbidden):
            return False
        except (Unavailable, RateLimited, TimeoutError):
            return time.monotonic() < self._good_until
        self._good_until, self.ask_at = now + self._age, now + self._age / 2
        return True
