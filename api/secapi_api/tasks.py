"""Background tasks: one for each piece of work however many want it, and their end."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_AGAIN_SECONDS = 0.25


class SingleFlight(Generic[K, T]):
    """Work that is under way once for each key; who wants it meanwhile waits for the same outcome."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._under_way: dict[K, asyncio.Task[T]] = {}

    async def __call__(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The outcome of the work that is under way, or that begins now."""
        # Shielded: whoever asked first may go away.
        return await asyncio.shield(self.start(key, work))

    def start(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Have it under way without waiting."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._finished(key, done))
        return task

    async def close(self) -> None:
        """Give up what is under way."""
        await cancelled(self._under_way.values())

    def _finished(self, key: K, task: asyncio.Task[T]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # its waiters have it; should there be none any more, it is nobody's


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel until all have ended: the Redis client swallows a cancellation that comes while it connects."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
