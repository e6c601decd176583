"""The database's address, which the driver reads: ``?sslmode=verify-full`` and the like are libpq's."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import URL, make_url

_PAUSES = (0.1, 0.2)
"""Seconds at most between attempts; a request that finds no database ends within half of one."""

_RESTARTING = (ConnectionError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)


def engine_url(address: str) -> URL:
    """What an engine is named by; SQLAlchemy would hand the address's options to the driver under names it lacks.

    Raises ``sqlalchemy.exc.ArgumentError`` when ``address`` is not a URL.
    """
    return make_url(address).set(drivername="postgresql+asyncpg", query={})


def dsn(address: str) -> str:
    """``address`` with the scheme that the driver reads, and its password."""
    return make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)


def connector(
    address: str, *, within: float, **options: Any
) -> "Callable[[], Awaitable[asyncpg.Connection[asyncpg.Record]]]":
    """An engine's ``async_creator``; ``within`` is in seconds, ``options`` are those of ``asyncpg.connect``."""
    return partial(_connect, dsn(address), within, options)


async def _connect(address: str, within: float, options: dict[str, Any]) -> "asyncpg.Connection[asyncpg.Record]":
    """Try again a few times while nobody listens there or the server starts: a failover passes, an outage does not."""
    async with asyncio.timeout(within):
        for pause in _PAUSES:
            try:
                return await _undisturbed(asyncpg.connect(address, timeout=within, **options))
            except _RESTARTING:
                await asyncio.sleep(random.uniform(0.5, 1.0) * pause)  # noqa: S311 - spreads callers, keeps no secret
        return await _undisturbed(asyncpg.connect(address, timeout=within, **options))


async def _undisturbed(
    connecting: "Awaitable[asyncpg.Connection[asyncpg.Record]]",
) -> "asyncpg.Connection[asyncpg.Record]":
    """The connection; should its caller be cancelled, it is made nevertheless, and closed.

    The driver cannot be stopped halfway without an error in the log of something that nobody waits for.
    """
    attempt = asyncio.ensure_future(connecting)
    try:
        return await asyncio.shield(attempt)
    except asyncio.CancelledError:
        attempt.add_done_callback(_close)
        raise


def _close(attempt: "asyncio.Future[asyncpg.Connection[asyncpg.Record]]") -> None:
    if attempt.cancelled() or attempt.exception() is not None:
        return
    attempt.result().terminate()
