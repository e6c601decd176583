"""A connection for one transaction, and what it means when there is none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pydantic import SecretStr
from sqlalchemy import pool
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from secapi_core.ledger.address import connector, engine_url

CONNECT_SECONDS = 5.0

# Of SQLSTATE: connection, resources (too many connections), and starting up or shutting down.
_PASSING = ("08", "53", "57P")
# Authorization, no such database, no right to do this.
_DEFINITE = ("28", "3D", "42501")
# SQLAlchemy wraps what the driver raises, except while connecting.
_DRIVER_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError)


class DatabaseAway(Exception):
    """Nobody answers, or not yet; waiting may help."""


class DatabaseRefuses(Exception):
    """A definite no; somebody has to change the address, the role or the server."""


@asynccontextmanager
async def transaction(url: SecretStr) -> AsyncIterator[AsyncConnection]:
    """A connection of its own in a transaction, committed when the block ends; DatabaseAway, DatabaseRefuses."""
    try:
        address = engine_url(url.get_secret_value())
    except ArgumentError:
        raise DatabaseRefuses("it is not of the form postgresql://user:password@host:port/database") from None
    connect = connector(url.get_secret_value(), within=CONNECT_SECONDS)
    engine = create_async_engine(address, poolclass=pool.NullPool, async_creator=connect)
    try:
        async with engine.begin() as connection:
            yield connection
    except _DRIVER_ERRORS as error:
        place = f"{address.host}:{address.port or 5432}/{address.database}"
        raise _typed(error, place) from error
    finally:
        await engine.dispose()


def _typed(error: Exception, place: str) -> Exception:
    """Say what ``error`` means; one that means neither is a defect and stays what it is."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    state = str(getattr(cause, "sqlstate", None) or "")
    if isinstance(cause, OSError) or state.startswith(_PASSING):
        return DatabaseAway(f"{place} does not answer: {_describe(cause)}")
    if isinstance(error, asyncpg.InterfaceError | InterfaceError) or state.startswith(_DEFINITE):
        return DatabaseRefuses(f"{place} refuses: {_describe(cause)}")
    return error


def _describe(error: BaseException) -> str:
    """One line; a driver's timeout says nothing by itself, and SQLAlchemy puts the class before the driver's words."""
    if isinstance(error, TimeoutError):
        return f"no connection within {CONNECT_SECONDS:g} s"
    return str(error).partition("\n")[0].rpartition("'>: ")[2] or type(error).__name__
