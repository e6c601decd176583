"""The parent's word that it goes away reaches every process, in two steps."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from secapi_workers.runner.draining import Draining


@pytest.fixture
def draining() -> Iterator[Draining]:
    draining = Draining()
    yield draining
    draining.close()


async def test_nobody_gives_up_before_the_drain(draining: Draining) -> None:
    assert not draining.begun
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(draining.given_up(0.0), 0.1)


async def test_a_job_has_its_patience_to_finish(draining: Draining) -> None:
    waiting = asyncio.create_task(draining.given_up(0.2))
    await asyncio.sleep(0)
    draining.begin()
    started = time.monotonic()
    assert draining.begun
    await asyncio.wait_for(waiting, 5)
    assert time.monotonic() - started > 0.15


async def test_asking_twice_ends_the_patience(draining: Draining) -> None:
    waiting = asyncio.create_task(draining.given_up(300))
    draining.begin()
    draining.begin()
    await asyncio.wait_for(waiting, 5)


async def test_release_is_both_steps_at_once(draining: Draining) -> None:
    draining.release()
    assert draining.begun
    await asyncio.wait_for(draining.given_up(300), 5)
