"""Waiting for a connection, first come, first served."""

import asyncio
from types import TracebackType

from sqlalchemy.exc import TimeoutError as PoolTimeout


class Line:
    """Lets as many in at once as there are connections: ``async with line: …``.

    Pools keep no order, neither SQLAlchemy's (sqlalchemy#7679) nor asyncpg's (asyncpg#1247): what is given back is had
    by whoever asks at that moment. Under load some go in and out while others wait until they give up.
    """

    def __init__(self, connections: int, *, patience: float) -> None:
        """``patience``: seconds that somebody waits at most."""
        self._free = asyncio.Semaphore(connections)
        self._patience = patience

    async def __aenter__(self) -> None:
        """Wait for a turn. Raises SQLAlchemy's TimeoutError, as its pool does."""
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolTimeout(f"no connection was free within {self._patience:g} s") from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whoever has waited longest is next."""
        self._free.release()
