"""The work queue against a model of what controller-runtime promises, with a clock that the test turns."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hand_clock import Clock
from secapi_operator.workqueue import WorkQueue

KEYS = st.sampled_from("abcd")


class QueueMachine(RuleBasedStateMachine):
    """The model: which keys owe a look, which are being looked at, and when delayed ones come due."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue: WorkQueue[str] = WorkQueue(self.clock)
        self.dirty: set[str] = set()
        self.processing: set[str] = set()
        self.due: dict[str, float] = {}

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.dirty.add(key)

    @rule(key=KEYS, delay=st.integers(1, 50))
    def add_after(self, key: str, delay: int) -> None:
        self.queue.add_after(key, delay)
        self.due[key] = min(self.due.get(key, float("inf")), self.clock.now + delay)

    @rule(seconds=st.integers(1, 30))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        for key in [key for key, when in self.due.items() if when <= self.clock.now]:
            del self.due[key]
            self.dirty.add(key)

    @precondition(lambda self: self.dirty - self.processing)
    @rule()
    def get(self) -> None:
        key = self.queue.get_nowait()
        assert key in self.dirty
        assert key not in self.processing
        self.dirty.remove(key)
        self.processing.add(key)

    @precondition(lambda self: not self.dirty - self.processing)
    @rule()
    def get_from_empty(self) -> None:
        with pytest.raises(asyncio.QueueEmpty):
            self.queue.get_nowait()

    @precondition(lambda self: self.processing)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.processing)))
        self.queue.done(key)
        self.processing.remove(key)

    @invariant()
    def counts_what_waits(self) -> None:
        assert len(self.queue) == len(self.dirty)
        assert self.queue.delayed == len(self.due)

    def teardown(self) -> None:
        for key in sorted(self.processing):
            self.queue.done(key)
        handed_out = [self.queue.get_nowait() for _ in range(len(self.queue))]
        assert sorted(handed_out) == sorted(self.dirty)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_a_key_added_while_it_is_processed_comes_again_after_it_is_done() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    queue.add("a")
    assert queue.get_nowait() == "a"
    queue.add("a")
    queue.add("a")
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()
    queue.done("a")
    assert queue.get_nowait() == "a"
    queue.done("a")
    assert len(queue) == 0


def test_backoff_doubles_up_to_the_ceiling_and_starts_anew_after_success() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock(), base_delay=1.0, max_delay=60.0)
    delays = [queue.add_failed("a") for _ in range(200)]
    for expected, delay in zip([1, 2, 4, 8, 16, 32, 60, 60], delays, strict=False):
        assert expected / 2 <= delay <= expected
    assert max(delays) <= 60
    assert queue.failures("a") == 200
    queue.forget("a")
    assert queue.add_failed("a") <= 1.0


def test_an_earlier_timer_replaces_a_later_one_and_fires_once() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add_after("a", 30)
    queue.add_after("a", 10)
    queue.add_after("a", 20)
    clock.advance(11)
    assert queue.get_nowait() == "a"
    queue.done("a")
    clock.advance(100)
    assert len(queue) == 0


async def test_get_waits_until_a_key_is_added_or_due() -> None:
    queue: WorkQueue[str] = WorkQueue(asyncio.get_running_loop())
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("now")
    assert await waiting == "now"
    queue.add_after("later", 0.02)
    assert await asyncio.wait_for(queue.get(), 5) == "later"
    queue.close()
