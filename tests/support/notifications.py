"""What Postgres tells those who listen, without waiting longer than it takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from secapi_core.ledger.database import Database


class Heard:
    """Payloads in the order in which their transactions committed."""

    def __init__(self, connection: asyncpg.Connection, channel: str) -> None:
        """Collect what ``connection`` hears on ``channel``."""
        self._connection = connection
        self._channel = channel
        self._payloads: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        """A listener as asyncpg calls it."""
        self._payloads.put_nowait(str(payload))

    async def all(self) -> list[str]:
        """Everything since the last call: all that comes before a mark of our own."""
        mark = str(uuid4())
        await self._connection.execute("SELECT pg_notify($1, $2)", self._channel, mark)
        payloads: list[str] = []
        async with asyncio.timeout(10):
            while (payload := await self._payloads.get()) != mark:
                payloads.append(payload)
        return payloads


@asynccontextmanager
async def listening(database: Database, channel: str) -> AsyncIterator[Heard]:
    """Hear what is committed from now on."""
    connection = await asyncpg.connect(database.dsn)
    heard = Heard(connection, channel)
    try:
        await connection.add_listener(channel, heard)
        yield heard
        await connection.remove_listener(channel, heard)
    finally:
        await connection.close()
