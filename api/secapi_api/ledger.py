"""The ledger as the API uses it: transactions for one viewer (promise P10), whose failures say what they are (P5)."""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.errors import LedgerUnavailable
from secapi_core.ledger.restricted import ROLE, RestrictedDatabase

_TEMPORARY_CLASSES = ("08", "28", "3D", "40", "53", "55", "57")
"""Of SQLSTATE: connection, authorization, no such database, rollback (deadlock), resources, object in use, operator
intervention (shutdown, statement timeout)."""
_ROLE_REFUSED = ("22023", "42501")
"""The same while connecting: there is no such role, or who logs in may not take it."""


class Viewer(Protocol):
    """Whose rows a transaction sees and writes; every caller is one."""

    @property
    def namespaces(self) -> Collection[str] | None:
        """``None`` is every namespace."""


@dataclass(frozen=True, slots=True)
class Within:
    """Work in one namespace, whoever asked for it; ``None``: on what belongs to none of them, which is to see all."""

    namespace: str | None

    @property
    def namespaces(self) -> Collection[str] | None:
        """As a :class:`Viewer`."""
        return None if self.namespace is None else [self.namespace]


SYSTEM = Within(None)
"""The API itself, where nobody's rights limit what it looks at: who calls has to be known before what they may see."""


class Ledger:
    """Wraps a database; a route opens ``async with ledger.transaction(caller) as session`` in sight.

    Postgres holds every statement to the viewer's namespaces (promise P10), whatever its own conditions say.
    """

    def __init__(self, database: RestrictedDatabase) -> None:
        """Share the process's connections."""
        self.database = database

    @asynccontextmanager
    async def transaction(self, viewer: Viewer) -> AsyncIterator[AsyncSession]:
        """Committed at the end, rolled back by an error; only SQL belongs inside. Raises LedgerUnavailable."""
        with typed_errors():
            async with self.database.seeing(viewer.namespaces) as session:
                yield session

    @asynccontextmanager
    async def reading(self, viewer: Viewer) -> AsyncIterator[AsyncSession]:
        """The same, changing nothing; each statement sees what is committed by then. Raises LedgerUnavailable."""
        with typed_errors():
            async with self.database.seeing(viewer.namespaces, writing=False) as session:
                yield session


@contextmanager
def typed_errors() -> Iterator[None]:
    """Postgres cannot be reached, has no free connection in time, or gave up: LedgerUnavailable."""
    try:
        yield
    except PoolTimeout as error:
        raise LedgerUnavailable("every database connection is busy; try again", retry_after=1) from error
    except DBAPIError as error:
        if error.statement is None and _sqlstate(error) in _ROLE_REFUSED:
            raise LedgerUnavailable(
                f"the database does not let this service be {ROLE}: run secapi-migrate, and have who is in "
                "SECAPI_DATABASE_URL be that role or a member of it"
            ) from error
        if not is_temporary(error):
            raise
        raise LedgerUnavailable("the database gave up on the request; try again") from error
    except asyncpg.PostgresError as error:
        # What SQLAlchemy wraps comes as it is where the driver is asked itself.
        if not (error.sqlstate or "").startswith(_TEMPORARY_CLASSES):
            raise
        raise LedgerUnavailable("the database gave up on the request; try again") from error
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # asyncpg's own connect errors come through unwrapped; TimeoutError is one of them. The last of these is what it
        # raises when the server has taken its leave and the end of the connection has not been noticed yet.
        raise LedgerUnavailable("the database cannot be reached; try again") from error


def is_temporary(error: DBAPIError) -> bool:
    """Whether the same statement may work later."""
    if error.connection_invalidated:
        return True
    return _sqlstate(error).startswith(_TEMPORARY_CLASSES)


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
