"""Which database errors pass by themselves, and trying again until they have (promise P5)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from asyncpg import InterfaceError, PostgresError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0

# SQLSTATE classes: connection lost, transaction rolled back (deadlock), out of resources, intervention, system error.
_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "57", "58"})
_TRANSIENT_STATES = frozenset({"25P03", "25P04", "55P03"})
"""Idle in transaction, transaction timeout, lock not available."""

_DATABASE_ERRORS = (OSError, TimeoutError, PoolTimeoutError, DBAPIError, InterfaceError, PostgresError)


class Unavailable(Exception):
    """The database did not come back in the time there was."""


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed once the database is reachable, or simply when made again."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        state = getattr(error.orig, "sqlstate", None)
    elif isinstance(error, PostgresError):
        state = error.sqlstate
    else:
        # No connection at all, none free, or asyncpg's word that it was closed meanwhile.
        return isinstance(error, _DATABASE_ERRORS)
    return state is None or state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES


async def persistently(
    action: Callable[[], Awaitable[T]],
    *,
    seconds_left: Callable[[], float],
    try_seconds: float | None = None,
    failed: Callable[[], None] = lambda: None,
) -> T:
    """``action``'s result, tried again after transient errors as long as ``seconds_left()`` is positive.

    ``try_seconds`` bounds each try, for statements that must not hang on a frozen server. ``failed`` is told of every
    transient error. Raises Unavailable when time is up, and whatever else ``action`` raises.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            async with asyncio.timeout(try_seconds):
                return await action()
        except _DATABASE_ERRORS as error:
            if not is_transient(error):
                raise
            failed()
            first_line = str(error).partition("\n")[0]
            log.warning("database unavailable", error=f"{type(error).__name__}: {first_line}"[:300])
            if seconds_left() <= 0:
                raise Unavailable from error
        # Jitter, because every worker saw the database go at the same moment.
        await asyncio.sleep(min(pause, max(seconds_left(), 0.0)) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        pause = min(2 * pause, LONGEST_PAUSE)
