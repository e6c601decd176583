"""A scan's summary, read past SQLAlchemy, which takes ten times as long for a statement as the driver does.

The one read that programs repeat while they wait has connections of its own, used for nothing but this statement.
"""

from collections.abc import Collection
from types import TracebackType
from typing import Any, Self, TypeAlias, cast
from uuid import UUID

import asyncpg

from secapi_core.ledger.address import dsn
from secapi_core.ledger.database import server_settings
from secapi_core.ledger.line import Line
from secapi_core.ledger.restricted import ROLE, DriverConnection, visible
from secapi_core.ledger.summaries import SUMMARY
from secapi_core.settings import Settings

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

READ = f"""
    SELECT {SUMMARY} FROM scans
    WHERE id = $1 AND deleted_at IS NULL AND (CAST($2 AS text[]) IS NULL OR namespace = ANY (CAST($2 AS text[])))
"""  # noqa: S608 - joins a constant


class SummaryReader:
    """One process's connections for reading summaries: opened when they are first needed, ``connections`` at most."""

    def __init__(self, settings: Settings, *, application: str, connections: int) -> None:
        """Contact nobody yet; make it inside the running event loop."""
        self._line = Line(connections, patience=settings.database_pool_timeout)
        self._pool: Pool = asyncpg.create_pool(
            dsn(settings.database_url.get_secret_value()),
            min_size=0,
            max_size=connections,
            timeout=settings.database_pool_timeout,
            connection_class=_Connection,
            # A statement by itself leaves nothing behind that would have to be reset, with another round trip.
            reset=_unchanged,
            server_settings=server_settings(settings, application, role=ROLE),
        )

    async def __aenter__(self) -> Self:
        """Be ready."""
        await self._pool
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection; nobody asks any more."""
        self._pool.terminate()

    async def read(self, scan_id: UUID, namespaces: Collection[str] | None) -> str | None:
        """The summary of the scan, unless it is deleted or in none of ``namespaces`` (``None``: all).

        Raises what asyncpg raises, SQLAlchemy's TimeoutError when no connection is free in time, and OSError.
        """
        names = None if namespaces is None else list(namespaces)
        async with self._line.turn(), self._pool.acquire() as connection:
            await cast(_Connection, connection).see(visible(namespaces))
            summary: str | None = await connection.fetchval(READ, scan_id, names)
        return summary


class _Connection(DriverConnection):
    """Held to some namespaces by row-level security until it is told others: most callers follow one of their kind."""

    _seen: str | None = None

    async def see(self, namespaces: str) -> None:
        """Hold the statements to come to ``namespaces``."""
        if namespaces != self._seen:
            self._seen = None
            await self.execute(f"SET secapi.namespaces = '{namespaces}'")
            self._seen = namespaces


async def _unchanged(_connection: Any) -> None:
    """Nothing to do."""
