"""Plain connections to a ledger: to look what became of scans, and to fill one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

Ledger: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Ledger]:
    """A connection, closed when the block ends."""
    # Compiling statements is off as in the components' connections.
    connection = await asyncpg.connect(database_url, server_settings={"jit": "off"})
    try:
        yield connection
    finally:
        await connection.close()
