"""A value that is kept for a while, and what becomes of it when it is known to have changed."""

import asyncio

import pytest

from secapi_api.refreshed import Refreshed


class Source:
    """Something to read; reading takes as long as ``hold`` is not set."""

    def __init__(self) -> None:
        self.value = 1
        self.reads = 0
        self.broken = False
        self.hold = asyncio.Event()
        self.hold.set()

    async def load(self) -> int:
        self.reads += 1
        value = self.value
        await self.hold.wait()
        if self.broken:
            raise ConnectionError("broken")
        return value


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(source: Source) -> Refreshed[int]:
    """Never too old by itself."""
    return Refreshed(source.load, age=600)


async def test_a_value_is_read_once(source: Source, kept: Refreshed[int]) -> None:
    assert [await kept.get() for _ in range(3)] == [1, 1, 1]
    assert source.reads == 1


async def test_after_a_change_the_next_one_to_ask_gets_it(source: Source, kept: Refreshed[int]) -> None:
    await kept.get()
    source.value = 2
    kept.outdate()
    assert [await kept.get() for _ in range(3)] == [2, 2, 2]
    assert source.reads == 2


async def test_a_read_that_began_before_the_change_is_not_good_enough(source: Source, kept: Refreshed[int]) -> None:
    await kept.get()
    source.hold.clear()
    kept.outdate()
    asking = asyncio.create_task(kept.get())
    while source.reads < 2:
        await asyncio.sleep(0)
    source.value = 2
    kept.outdate()
    asked_later = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    source.hold.set()
    assert (await asking, await asked_later) == (1, 2)


async def test_a_change_that_cannot_be_read_leaves_the_old_value_and_is_waited_for_once(
    source: Source, kept: Refreshed[int]
) -> None:
    await kept.get()
    source.broken = True
    kept.outdate()
    assert [await kept.get() for _ in range(3)] == [1, 1, 1]
    assert source.reads == 2


async def test_without_any_value_the_reads_error_is_raised(source: Source, kept: Refreshed[int]) -> None:
    source.broken = True
    kept.outdate()
    with pytest.raises(ConnectionError):
        await kept.get()
