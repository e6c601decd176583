"""A value read from elsewhere that is kept for a while: one read at a time, and an old value rather than none."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from secapi_api.tasks import SingleFlight

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Refreshed(Generic[T]):
    """``load``'s result, at most ``age`` seconds old while ``load`` works and as old as need be while it fails."""

    def __init__(self, load: Callable[[], Awaitable[T]], *, age: float) -> None:
        """Read nothing yet."""
        self._load = load
        self._age = age
        self._value: tuple[T] | None = None
        self._read_at = 0.0
        self._changed_at = 0.0
        self._reading: SingleFlight[None, None] = SingleFlight()

    async def get(self) -> T:
        """The value in memory; if it is too old, it is read again meanwhile.

        Only the first callers wait, and the first ones after a change. Raises what ``load`` raises as long as there is
        no value at all.
        """
        if self._value is None:
            return await self.newer(than=self._age)
        if self._read_at < self._changed_at:
            await self._catch_up()
        elif self._seconds_old() > self._age:
            self._reading.start(None, self._read_now)
        return self._value[0]

    def outdate(self) -> None:
        """Say that what is read has changed: no read that began before now is good enough for whoever asks next."""
        self._changed_at = asyncio.get_running_loop().time()

    async def _catch_up(self) -> None:
        """Read the change, or let the old value count again: it must not be waited for by one caller after another."""
        try:
            await self._read()
        except Exception:  # Whatever kept it from being read, and _read_now has logged, the old value serves.
            self._changed_at = 0.0

    async def newer(self, *, than: float) -> T:
        """A value read less than ``than`` seconds ago, reading it now if need be; raises what ``load`` raises."""
        if self._value is None or self._seconds_old() > than or self._read_at < self._changed_at:
            await self._read()
        assert self._value is not None  # noqa: S101 -- narrows the type; _read has set it or raised
        return self._value[0]

    def _seconds_old(self) -> float:
        return asyncio.get_running_loop().time() - self._read_at

    async def _read(self) -> None:
        wanted = self._changed_at
        while True:
            await self._reading(None, self._read_now)
            # A read that was under way may have missed the change.
            if self._read_at >= wanted:
                return

    async def _read_now(self) -> None:
        started = asyncio.get_running_loop().time()
        try:
            self._value = (await self._load(),)
        except Exception as error:  # It is for whoever waits; but nobody may, so it is told here in any case.
            log.warning("could not read again", what=self._load.__qualname__, error=repr(error))
            raise
        self._read_at = started

    async def close(self) -> None:
        """Give up a read that is under way."""
        await self._reading.close()
