"""Ending background tasks."""

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_SECONDS = 0.25


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel until all have ended: the Redis client swallows a cancellation that comes while it connects."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
