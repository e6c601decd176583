"""A scan's summary, read past SQLAlchemy, which takes ten times as long for a statement as the driver does.

The one read that programs repeat while they wait has connections of its own, used for nothing but this statement. They
are kept here, as the driver's pool starts a task and resets a connection for each that is given back.
"""

from collections.abc import Collection
from types import TracebackType
from typing import Self
from uuid import UUID

from secapi_core.ledger.address import connector
from secapi_core.ledger.database import server_settings
from secapi_core.ledger.line import Line
from secapi_core.ledger.restricted import ROLE, DriverConnection, visible
from secapi_core.ledger.summaries import SUMMARY
from secapi_core.settings import Settings

READ = f"""
    SELECT {SUMMARY} FROM scans
    WHERE id = $1 AND deleted_at IS NULL AND (CAST($2 AS text[]) IS NULL OR namespace = ANY (CAST($2 AS text[])))
"""  # noqa: S608 - joins a constant


class SummaryReader:
    """One process's connections for reading summaries: opened when they are first needed, ``connections`` at most."""

    def __init__(self, settings: Settings, *, application: str, connections: int) -> None:
        """Contact nobody yet."""
        self._line = Line(connections, patience=settings.database_pool_timeout)
        self._connect = connector(
            settings.database_url.get_secret_value(),
            within=settings.database_pool_timeout,
            connection_class=_Connection,
            server_settings=server_settings(settings, application, role=ROLE),
        )
        self._idle: list[_Connection] = []

    async def __aenter__(self) -> Self:
        """Be ready."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection; nobody asks any more."""
        for connection in self._idle:
            connection.terminate()

    async def read(self, scan_id: UUID, namespaces: Collection[str] | None) -> str | None:
        """The summary of the scan, unless it is deleted or in none of ``namespaces`` (``None``: all).

        Raises what asyncpg raises, SQLAlchemy's TimeoutError when no connection is free in time, and OSError.
        """
        names = None if namespaces is None else list(namespaces)
        async with self._line:
            connection = await self._connection()
            try:
                await connection.see(visible(namespaces))
                summary: str | None = await connection.fetchval(READ, scan_id, names)
            except BaseException:
                # An answer may still be on its way, and the next one who asks would get it.
                connection.terminate()
                raise
            self._idle.append(connection)
        return summary

    async def _connection(self) -> "_Connection":
        """The one that was used last, as the others may not be needed any more; those that were closed are left."""
        while self._idle:
            if not (connection := self._idle.pop()).is_closed():
                return connection
        opened = await self._connect()
        assert isinstance(opened, _Connection)  # noqa: S101 -- as asked for
        return opened


class _Connection(DriverConnection):
    """Held to some namespaces by row-level security until it is told others: most callers follow one of their kind."""

    _seen: str | None = None

    async def see(self, namespaces: str) -> None:
        """Hold the statements to come to ``namespaces``."""
        if namespaces != self._seen:
            self._seen = None
            await self.execute(f"SET secapi.namespaces = '{namespaces}'")
            self._seen = namespaces
