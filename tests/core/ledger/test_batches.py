"""Reports are read beside the event loop, at most two batches ahead, and never by a thread that is left behind."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from ledger_factories import make_findings
from secapi_core.findings import Finding
from secapi_core.ledger.transitions._batches import BATCH, batches


async def sizes(count: int) -> list[int]:
    async with aclosing(batches(make_findings(range(count)))) as ready:
        return [len(batch) async for batch in ready]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (BATCH - 1, [BATCH - 1]), (BATCH, [BATCH]), (BATCH + 1, [BATCH, 1]), (2 * BATCH, [BATCH] * 2)],
)
async def test_every_finding_is_in_one_batch(count: int, expected: list[int]) -> None:
    assert await sizes(count) == expected


async def test_the_event_loop_runs_while_a_report_is_read() -> None:
    went_on = threading.Event()

    def report() -> Iterator[tuple[bytes, Finding]]:
        assert went_on.wait(timeout=10)
        yield from make_findings([1])

    asyncio.get_running_loop().call_soon(went_on.set)
    async with aclosing(batches(report())) as ready:
        assert [len(batch) async for batch in ready] == [1]


async def test_an_error_of_the_reader_comes_out_after_what_was_read_before() -> None:
    got: list[int] = []

    def report() -> Iterator[tuple[bytes, Finding]]:
        yield from make_findings(range(BATCH + 5))
        raise ValueError("cut off")

    async def read_all() -> None:
        async with aclosing(batches(report())) as ready:
            async for batch in ready:
                got.append(len(batch))  # noqa: PERF401 - what came before the error counts

    with pytest.raises(ValueError, match="cut off"):
        await read_all()
    assert got == [BATCH]


async def test_no_more_than_two_batches_are_read_ahead() -> None:
    read = 0

    def report() -> Iterator[tuple[bytes, Finding]]:
        nonlocal read
        for pair in make_findings(range(5 * BATCH)):
            read += 1
            yield pair

    async with aclosing(batches(report())) as ready:
        await anext(ready)

    assert read == 2 * BATCH


async def test_whoever_stops_early_waits_for_the_reader_and_keeps_their_own_error() -> None:
    reading, finished = threading.Event(), threading.Event()

    def report() -> Iterator[tuple[bytes, Finding]]:
        yield from make_findings(range(BATCH))
        reading.set()
        threading.Event().wait(0.1)
        finished.set()
        raise ValueError("nobody wants to know")

    async def stop_early() -> None:
        async with aclosing(batches(report())) as ready:
            await anext(ready)
            assert await asyncio.to_thread(reading.wait, 10)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await stop_early()
    assert finished.is_set()
