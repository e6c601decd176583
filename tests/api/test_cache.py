"""Answers that are kept: made once however many want them, and made anyhow when Redis is of no use."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from secapi_api.cache import JITTER, Cache
from secapi_api.redis import SharedMemory
from secapi_api.settings import ApiSettings
from tcp_proxy import Mode, TcpProxy
from waiting import until


class Kitchen:
    """Makes answers, counts them, and can be slow or fail."""

    def __init__(self, *, seconds: float = 0.05, fails: bool = False) -> None:
        self.made = 0
        self.seconds = seconds
        self.fails = fails

    async def __call__(self) -> bytes:
        self.made += 1
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise ValueError("burnt")
        return b"answer %d" % self.made


@pytest.fixture
async def memories(settings: ApiSettings, redis_url: str) -> AsyncIterator[list[SharedMemory]]:
    """What two processes have, of an empty Redis."""
    made = [SharedMemory(settings) for _ in range(2)]
    yield made
    for memory in made:
        await memory.close()


async def test_a_thousand_who_want_what_is_missing_make_it_once(memories: list[SharedMemory]) -> None:
    caches, kitchen = [Cache(memory) for memory in memories], Kitchen()
    answers = await asyncio.gather(*(caches[n % 2].get("dish", "a", kitchen, seconds=10) for n in range(1_000)))
    assert set(answers) == {b"answer 1"}
    assert kitchen.made == 1


async def test_what_is_kept_is_not_made_again_until_it_is_old(memories: list[SharedMemory]) -> None:
    cache, kitchen = Cache(memories[0]), Kitchen()
    assert [await cache.get("dish", "b", kitchen, seconds=0.5) for _ in range(3)] == [b"answer 1"] * 3

    async def made_again() -> bool:
        return await cache.get("dish", "b", kitchen, seconds=0.5) == b"answer 2"

    await until(made_again, within=2)


async def test_kinds_and_keys_are_kept_apart(memories: list[SharedMemory]) -> None:
    cache, kitchen = Cache(memories[0]), Kitchen()
    wanted = [("dish", "a"), ("dish", "b"), ("drink", "a")]
    answers = {await cache.get(kind, key, kitchen, seconds=10) for kind, key in wanted}
    assert len(answers) == 3


async def test_not_all_answers_end_together(memories: list[SharedMemory]) -> None:
    cache, kitchen = Cache(memories[0]), Kitchen(seconds=0)
    for number in range(20):
        await cache.get("dish", str(number), kitchen, seconds=100)
    left = [await memories[0].client.pttl(f"cache:dish:{number}") for number in range(20)]
    assert all(99_000 * (1 - JITTER) <= milliseconds <= 100_000 * (1 + JITTER) for milliseconds in left)
    assert max(left) - min(left) > 1_000


async def test_a_failure_is_for_those_who_wait_and_is_not_kept(memories: list[SharedMemory]) -> None:
    cache, kitchen = Cache(memories[0]), Kitchen(fails=True)
    outcomes = await asyncio.gather(
        *(cache.get("dish", "c", kitchen, seconds=10) for _ in range(5)), return_exceptions=True
    )
    assert [str(outcome) for outcome in outcomes] == ["burnt"] * 5
    kitchen.fails = False
    assert await cache.get("dish", "c", kitchen, seconds=10) == b"answer 2"


async def test_a_maker_that_died_holds_nobody_up_for_long(memories: list[SharedMemory]) -> None:
    await memories[0].client.set("cache:dish:d:lock", "of the dead", px=60_000)
    async with asyncio.timeout(4):
        assert await Cache(memories[1]).get("dish", "d", Kitchen(), seconds=10) == b"answer 1"
    assert await memories[0].client.get("cache:dish:d:lock") == b"of the dead"


async def test_the_first_who_asked_may_go_away(memories: list[SharedMemory]) -> None:
    cache, kitchen = Cache(memories[0]), Kitchen(seconds=0.2)
    first = asyncio.create_task(cache.get("dish", "e", kitchen, seconds=10))
    await until(lambda: _made(kitchen), within=2)
    second = asyncio.create_task(cache.get("dish", "e", kitchen, seconds=10))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == b"answer 1"


async def _made(kitchen: Kitchen) -> bool:
    return kitchen.made == 1


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_each_process_makes_its_own_one_at_a_time(
    without_redis: ApiSettings, redis_outage: TcpProxy, mode: Mode
) -> None:
    redis_outage.set(mode)
    memory, kitchen = SharedMemory(without_redis), Kitchen()
    cache = Cache(memory)
    answers = await asyncio.gather(*(cache.get("dish", "f", kitchen, seconds=10) for _ in range(100)))
    assert (set(answers), kitchen.made) == ({b"answer 1"}, 1)
    await memory.close()
