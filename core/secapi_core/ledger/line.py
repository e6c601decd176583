"""Waiting for a connection, first come, first served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import TimeoutError as PoolTimeout


class Line:
    """Lets as many in as there are connections.

    Pools keep no order, neither SQLAlchemy's (sqlalchemy#7679) nor asyncpg's (asyncpg#1247): what is given back is had
    by whoever asks at that moment. Under load some go in and out while others wait until they give up.
    """

    def __init__(self, connections: int, *, patience: float) -> None:
        """``patience``: seconds that somebody waits at most."""
        self._free = asyncio.Semaphore(connections)
        self._patience = patience

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait, then be one of those who may have a connection. Raises SQLAlchemy's TimeoutError, as its pool does."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolTimeout(f"no connection was free within {self._patience:g} s") from error
        try:
            yield
        finally:
            self._free.release()
