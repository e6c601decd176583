"""Background tasks end, also when a library swallows the first cancellation."""

import asyncio
import random
from contextlib import suppress

from secapi_api.hints import SCANS_CHANGED, Hints
from secapi_api.redis import SharedMemory
from secapi_api.settings import ApiSettings
from secapi_api.tasks import cancelled


async def test_a_task_that_swallows_a_cancellation_ends() -> None:
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        await cancelled([task])
    assert task.cancelled()


async def test_a_listener_ends_at_whatever_it_is(settings: ApiSettings, redis_url: str) -> None:
    for _ in range(50):
        memory = SharedMemory(settings)
        listening = asyncio.create_task(Hints(memory).listen({SCANS_CHANGED: lambda _: None}))
        await asyncio.sleep(random.uniform(0, 0.004))  # noqa: S311 -- no secret
        async with asyncio.timeout(2):
            await cancelled([listening])
        await memory.close()


async def test_what_has_ended_is_not_waited_for() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await cancelled([task])
