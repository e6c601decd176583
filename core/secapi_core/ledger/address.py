"""The database's address, which the driver reads: ``?sslmode=verify-full`` and the like are libpq's."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import URL, make_url


def engine_url(address: str) -> URL:
    """What an engine is named by; SQLAlchemy would hand the address's options to the driver under names it lacks.

    Raises ``sqlalchemy.exc.ArgumentError`` when ``address`` is not a URL.
    """
    return make_url(address).set(drivername="postgresql+asyncpg", query={})


def dsn(address: str) -> str:
    """``address`` with the scheme that the driver reads, and its password."""
    return make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)


def connector(address: str, **options: Any) -> "Callable[[], Awaitable[asyncpg.Connection[asyncpg.Record]]]":
    """An engine's ``async_creator``; ``options`` are those of ``asyncpg.connect``."""
    return partial(asyncpg.connect, dsn(address), **options)
