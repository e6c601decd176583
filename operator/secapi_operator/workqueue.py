"""The work queue: deduplicating, rate-limited, with delays; controller-runtime's semantics.

Many sources add keys (watch events, notifications, timers, sweeps); what matters is only that a key is looked at
again after it was last added. So a key that waits is not queued twice, a key that is being processed is not handed
out a second time, and one that is added meanwhile is handed out again once it is done.
"""

import asyncio
import heapq
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from secapi_operator.backoff import pause_after

K = TypeVar("K", bound=Hashable)


class Timer(Protocol):
    """A callback that is still to come."""

    def cancel(self) -> None:
        """Call it off."""


class Timers(Protocol):
    """The part of an event loop that the queue uses; tests give their own clock."""

    def time(self) -> float:
        """Seconds on a clock that never goes back."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer:
        """Run ``callback`` when the clock shows ``when``."""


class WorkQueue(Generic[K]):
    """Keys to look at; not thread-safe, used by the tasks of one event loop."""

    def __init__(self, timers: Timers, *, base_delay: float = 0.1, max_delay: float = 60.0) -> None:
        """``base_delay`` doubles with every failure of a key, up to ``max_delay``."""
        self._timers = timers
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._waiting: set[K] = set()
        self._processing: set[K] = set()
        self._again: set[K] = set()
        self._due: dict[K, float] = {}
        self._schedule: list[tuple[float, int, K]] = []
        self._sequence = 0
        self._alarm: tuple[float, Timer] | None = None
        self._failures: dict[K, int] = {}

    def __len__(self) -> int:
        """Keys that wait to be handed out now; delayed ones do not count."""
        return len(self._waiting) + len(self._again)

    @property
    def delayed(self) -> int:
        """Keys that wait for their time."""
        return len(self._due)

    def add(self, key: K) -> None:
        """Have ``key`` looked at as soon as possible."""
        if key in self._processing:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: K, delay: float) -> None:
        """Have ``key`` looked at in ``delay`` seconds; of several wishes the earliest counts."""
        if delay <= 0:
            self.add(key)
            return
        when = self._timers.time() + delay
        if self._due.get(key, when + 1) <= when:
            return
        self._due[key] = when
        self._sequence += 1
        heapq.heappush(self._schedule, (when, self._sequence, key))
        self._set_alarm()

    def add_failed(self, key: K) -> float:
        """Have ``key`` looked at again after its backoff, which is returned; :meth:`forget` resets it."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = pause_after(failures, first=self._base_delay, ceiling=self._max_delay)
        self.add_after(key, delay)
        return delay

    def failures(self, key: K) -> int:
        """How often in a row ``key`` has failed."""
        return self._failures.get(key, 0)

    def forget(self, key: K) -> None:
        """``key`` was processed well: its next failure starts the backoff anew."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key, once there is one; the caller owes a :meth:`done`."""
        return self._take(await self._ready.get())

    def get_nowait(self) -> K:
        """The next key, or :class:`asyncio.QueueEmpty`."""
        return self._take(self._ready.get_nowait())

    def done(self, key: K) -> None:
        """``key`` is processed; if it was added meanwhile it waits again."""
        self._processing.remove(key)
        if key in self._again:
            self._again.remove(key)
            self.add(key)

    def close(self) -> None:
        """Drop what waits and stop the clock; keys that are being processed may still be :meth:`done`."""
        if self._alarm is not None:
            self._alarm[1].cancel()
            self._alarm = None
        self._schedule.clear()
        self._due.clear()

    def _take(self, key: K) -> K:
        self._waiting.remove(key)
        self._processing.add(key)
        return key

    def _set_alarm(self) -> None:
        if not self._schedule:
            return
        when = self._schedule[0][0]
        if self._alarm is not None:
            if self._alarm[0] <= when:
                return
            self._alarm[1].cancel()
        self._alarm = (when, self._timers.call_at(when, self._ring))

    def _ring(self) -> None:
        self._alarm = None
        now = self._timers.time()
        while self._schedule and self._schedule[0][0] <= now:
            when, _, key = heapq.heappop(self._schedule)
            # A later wish that an earlier one replaced is still in the heap; only the one in _due counts.
            if self._due.get(key) == when:
                del self._due[key]
                self.add(key)
        self._set_alarm()
