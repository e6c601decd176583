"""The ledger under the role of the API, to which Postgres shows in each transaction only what it was opened for.

Policies compare a row's namespace with a setting (docs/decisions/0018). It is part of the round trip that begins the
transaction, and ends with it: a pooled connection never carries it to whoever comes next.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.database import Database
from secapi_core.settings import Settings

if TYPE_CHECKING:
    DriverConnection = asyncpg.Connection[asyncpg.Record]
else:
    # To derive from: the driver's class is generic for type checkers only.
    DriverConnection = asyncpg.Connection

ROLE = "secapi_api"
"""Owns nothing. Who logs in must be it or a member of it."""

_OPTION = "secapi_begin"
_BLIND = "BEGIN"
_NAMESPACE = re.compile(r"[a-z0-9-]+")


class RestrictedDatabase(Database):
    """One process's connections as ``secapi_api``. A plain :meth:`transaction` sees no tenant's rows."""

    def __init__(
        self,
        settings: Settings,
        *,
        application: str,
        changed: Callable[[Sequence[str]], Awaitable[None]] | None = None,
    ) -> None:
        """Configure the engine; no connection is opened yet."""
        super().__init__(settings, application=application, role=ROLE, connection_class=_Connection, changed=changed)
        event.listen(self.engine.sync_engine, "begin", _hand_over)

    @asynccontextmanager
    async def seeing(self, namespaces: Collection[str] | None, *, writing: bool = True) -> AsyncIterator[AsyncSession]:
        """A session in a transaction that sees and writes rows of ``namespaces`` (``None``: of all) and no others.

        Committed when the block ends, rolled back when it raises.
        """
        engine = self.engine.execution_options(**{_OPTION: _begin(namespaces, writing)})
        async with self._line, self._sessions(bind=engine) as session, session.begin():
            yield session
        await self._tell(session)


def _begin(namespaces: Collection[str] | None, writing: bool) -> str:
    """Two statements, which are one round trip as they have no parameters."""
    return f"BEGIN {'READ WRITE' if writing else 'READ ONLY'}; SET LOCAL secapi.namespaces = '{visible(namespaces)}'"


def visible(namespaces: Collection[str] | None) -> str:
    """The setting ``secapi.namespaces`` for who may see these (``None``: all). What cannot be a name is left out."""
    return "*" if namespaces is None else ",".join(filter(_NAMESPACE.fullmatch, namespaces))


def _hand_over(connection: Connection) -> None:
    """Tell the driver how to begin the transaction that is about to begin."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, _Connection)  # noqa: S101 -- the engine's own kind
    driver.begin = connection.get_execution_options().get(_OPTION, _BLIND)


class _Connection(DriverConnection):
    begin = _BLIND

    def transaction(self, **_: Any) -> "_Transaction":  # type: ignore[override]  # as much of one as SQLAlchemy uses
        return _Transaction(self)


class _Transaction:
    """Instead of the driver's own, whose BEGIN says nothing else."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def start(self) -> None:
        try:
            await self._connection.execute(self._connection.begin)
        except BaseException:
            # It may have begun all the same, and nobody would end it.
            self._connection.terminate()
            raise

    async def commit(self) -> None:
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        await self._connection.execute("ROLLBACK")
