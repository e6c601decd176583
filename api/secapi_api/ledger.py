"""The ledger as the API uses it: a transaction whose failures say what they are (promise P5)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from secapi_api.errors import LedgerUnavailable
from secapi_core.ledger.database import Database

_TEMPORARY_CLASSES = ("08", "28", "3D", "40", "53", "55", "57")
"""Of SQLSTATE: connection, authorization, no such database, rollback (deadlock), resources, object in use, operator
intervention (shutdown, statement timeout)."""


class Ledger:
    """Wraps :class:`Database`; a route opens ``async with ledger.transaction() as session`` in sight."""

    def __init__(self, database: Database) -> None:
        """Share the process's connections."""
        self.database = database
        self._reads = async_sessionmaker(database.engine.execution_options(isolation_level="AUTOCOMMIT"))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Committed at the end, rolled back by an error; only SQL belongs inside. Raises LedgerUnavailable."""
        with typed_errors():
            async with self.database.transaction() as session:
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Every statement by itself: one round trip where a transaction takes three. Raises LedgerUnavailable.

        For reads that need no common snapshot, which are all reads of the API so far.
        """
        with typed_errors():
            async with self._reads() as session:
                yield session


@contextmanager
def typed_errors() -> Iterator[None]:
    """Postgres cannot be reached, has no free connection in time, or gave up: LedgerUnavailable."""
    try:
        yield
    except PoolTimeout as error:
        raise LedgerUnavailable("every database connection is busy; try again", retry_after=1) from error
    except DBAPIError as error:
        if not is_temporary(error):
            raise
        raise LedgerUnavailable("the database gave up on the request; try again") from error
    except asyncpg.PostgresError as error:
        # What SQLAlchemy wraps comes as it is where the driver is asked itself.
        if not (error.sqlstate or "").startswith(_TEMPORARY_CLASSES):
            raise
        raise LedgerUnavailable("the database gave up on the request; try again") from error
    except (OSError, asyncpg.InterfaceError) as error:
        # asyncpg's own connect errors come through unwrapped; TimeoutError is one of them.
        raise LedgerUnavailable("the database cannot be reached; try again") from error


def is_temporary(error: DBAPIError) -> bool:
    """Whether the same statement may work later."""
    if error.connection_invalidated:
        return True
    return str(getattr(error.orig, "sqlstate", None) or "").startswith(_TEMPORARY_CLASSES)
