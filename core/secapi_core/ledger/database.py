"""Engine and sessions. The caller opens the transaction in sight: ``async with database.transaction() as session``."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from secapi_core.bounded_json import storable_json
from secapi_core.ledger.address import connector, dsn, engine_url
from secapi_core.ledger.line import Line
from secapi_core.ledger.summaries import summaries_in
from secapi_core.settings import Settings


class Database:
    """One process's connections to the ledger.

    Make it inside the running event loop and, in a forking server, after the fork. ``application`` shows in
    ``pg_stat_activity``. ``changed`` gets the new summaries of scans that a transaction has changed, after its commit;
    it must not raise, and whoever opened the transaction waits for it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        application: str,
        role: str | None = None,
        connection_class: "type[asyncpg.Connection[asyncpg.Record]]" = asyncpg.Connection,
        changed: Callable[[Sequence[str]], Awaitable[None]] | None = None,
    ) -> None:
        """Configure the engine; no connection is opened yet. ``role``: as whom to work, if not as who logs in."""
        address = settings.database_url.get_secret_value()
        self.dsn = dsn(address)
        self._changed = changed
        self.engine: AsyncEngine = create_async_engine(
            engine_url(address),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            json_serializer=storable_json,
            json_deserializer=orjson.loads,
            # Errors end up in logs, traces and error tracking, and parameters are findings and other people's secrets.
            hide_parameters=True,
            async_creator=connector(
                address,
                within=settings.database_pool_timeout,
                connection_class=connection_class,
                server_settings=server_settings(settings, application, role=role),
            ),
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._line = Line(settings.database_pool_size, patience=settings.database_pool_timeout)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction: committed when the block ends, rolled back when it raises."""
        async with self._line, self._sessions.begin() as session:
            yield session
        await self._tell(session)

    async def _tell(self, session: AsyncSession) -> None:
        """Pass the summaries on that a committed transaction has left in its session."""
        if self._changed is not None and (summaries := summaries_in(session)):
            await self._changed(summaries)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


def server_settings(settings: Settings, application: str, *, role: str | None = None) -> dict[str, str]:
    """What every connection of a process has the server do; ``role``: as whom to work, if not as who logs in."""
    return {
        "application_name": application,
        "statement_timeout": _milliseconds(settings.statement_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(settings.idle_in_transaction_timeout),
        # Every timestamp the ledger compares comes from this server's clock, in one zone.
        "timezone": "UTC",
        # Compiling a statement takes longer than any of ours takes to run.
        "jit": "off",
        **({} if role is None else {"role": role}),
    }


def _refuse_closed(connection: Any, *_: object) -> None:
    """Have the pool replace a connection that the server has closed while it lay idle.

    The driver noticed when the socket closed, so this costs nothing; ``pool_pre_ping`` would cost every transaction
    three round trips.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
