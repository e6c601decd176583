"""Background duties outlive failures and end when they are told to."""

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from secapi_operator.periodic import event_or_timeout, every


async def test_a_failing_duty_is_tried_again() -> None:
    done = asyncio.Event()
    rounds = 0

    async def duty() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise ConnectionError
        done.set()

    task = asyncio.create_task(every(0.01, duty, name="test"))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_duty_shows_when_it_last_went_well_as_long_as_it_is_done_here() -> None:
    def last_success() -> float | None:
        return REGISTRY.get_sample_value("secapi_loop_last_success_timestamp_seconds", {"loop": "failing"})

    failed = asyncio.Event()

    async def duty() -> None:
        failed.set()
        raise ConnectionError

    before = time.time()
    task = asyncio.create_task(every(0.01, duty, name="failing"))
    await asyncio.wait_for(failed.wait(), 5)
    started = last_success()
    assert REGISTRY.get_sample_value("secapi_loop_interval_seconds", {"loop": "failing"}) == 0.01
    task.cancel()
    await asyncio.wait([task])
    assert started is not None
    assert before <= started <= time.time()
    assert last_success() is None


async def test_waiting_tells_whether_the_event_came() -> None:
    event = asyncio.Event()
    assert not await event_or_timeout(event, 0.01)
    event.set()
    assert await event_or_timeout(event, 0.01)


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancellation_that_comes_with_the_event_is_not_lost(turns: int) -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(event_or_timeout(event, 10))
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    accepted = waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled() == accepted
