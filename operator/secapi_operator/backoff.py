"""Pauses between tries: doubling, bounded, and never the same for two processes that failed together."""

import asyncio
import random


def pause_after(failures: int, *, first: float, ceiling: float) -> float:
    """Seconds to wait after so many failures in a row: ``first`` doubled each time, up to ``ceiling``, less a part."""
    # The exponent is bounded because a float overflows long before an outage has to end.
    longest = min(ceiling, first * 2.0 ** min(max(failures, 1) - 1, 60))
    return random.uniform(longest / 2, longest)  # noqa: S311 -- jitter, not a secret


class Backoff:
    """Counts failures in a row and waits accordingly."""

    def __init__(self, *, first: float, ceiling: float) -> None:
        """``first`` and ``ceiling`` bound the pauses."""
        self.failures = 0
        self._first = first
        self._ceiling = ceiling

    def reset(self) -> None:
        """It went well."""
        self.failures = 0

    async def failed(self) -> None:
        """It failed: wait."""
        self.failures += 1
        await asyncio.sleep(pause_after(self.failures, first=self._first, ceiling=self._ceiling))
