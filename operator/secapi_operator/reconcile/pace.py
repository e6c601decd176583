"""How often a status may be written that is not the last one.

A status that says "queued" or "running" costs the apiserver as much as the one that says how the scan ended. In a
burst most scans end before it would be their turn, and are spared it: their status goes from Pending to the end.
"""

from collections.abc import Callable

from secapi_operator.objects import ScanKey
from secapi_operator.workqueue import Timers


class InterimPace:
    """Lets so many scans a second through; the others wait in line, and namespaces take turns."""

    def __init__(self, timers: Timers, *, rate: float, burst: int, wake: Callable[[ScanKey], None]) -> None:
        """``burst`` may come at once after a pause. ``wake`` gets the key whose turn has come: it asks again."""
        self._timers = timers
        self._rate = rate
        self._burst = float(burst)
        self._wake = wake
        self._tokens = float(burst)
        self._counted_at = timers.time()
        # While there are lines a clock ticks, and each tick is somebody's turn.
        self._ticking = False
        self._lines: dict[str, dict[ScanKey, None]] = {}
        self._admitted: set[ScanKey] = set()

    def admits(self, key: ScanKey) -> bool:
        """Whether ``key`` may show now. If not it waits in line until it is woken, or has to :meth:`leave`."""
        if key in self._admitted:
            self._admitted.remove(key)
            return True
        if not self._lines:
            self._count()
            if self._tokens >= 1.0:
                self._tokens -= 1.0
                return True
            self._tick_once_in((1.0 - self._tokens) / self._rate)
        self._lines.setdefault(key.namespace, {}).setdefault(key)
        return False

    def leave(self, key: ScanKey) -> None:
        """``key`` has nothing to show but its end, or nothing at all."""
        self._admitted.discard(key)
        line = self._lines.get(key.namespace, {})
        line.pop(key, None)
        if not line:
            self._lines.pop(key.namespace, None)

    def _count(self) -> None:
        now = self._timers.time()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now

    def _tick_once_in(self, seconds: float) -> None:
        if not self._ticking:
            self._ticking = True
            self._timers.call_at(self._timers.time() + seconds, self._tick)

    def _tick(self) -> None:
        self._ticking = False
        if not self._lines:
            return
        self._tokens, self._counted_at = 0.0, self._timers.time()
        namespace, line = next(iter(self._lines.items()))
        key = next(iter(line))
        self.leave(key)
        if line:
            self._lines[namespace] = self._lines.pop(namespace)
        self._admitted.add(key)
        self._tick_once_in(1.0 / self._rate)
        self._wake(key)
