"""How many streams may be open at once, in all and for one caller."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from secapi_api.errors import TooManyStreams, Unavailable
from secapi_api.metrics import EVENT_STREAMS

_RETRY_AFTER = 30


class Places:
    """One process's streams."""

    def __init__(self, limit: int, limit_per_caller: int) -> None:
        """None is taken."""
        self._limit = limit
        self._limit_per_caller = limit_per_caller
        self._callers: Counter[str] = Counter()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Have a place until the block ends; raises TooManyStreams or Unavailable."""
        if self._callers[caller] >= self._limit_per_caller:
            raise TooManyStreams(
                f"{self._limit_per_caller} streams of yours are open here, the most for one caller; close one of them",
                headers={"Retry-After": str(_RETRY_AFTER)},
            )
        if self._callers.total() >= self._limit:
            raise Unavailable(
                "as many streams are open as this process keeps; try again, or read the scan from time to time",
                retry_after=_RETRY_AFTER,
            )
        self._callers[caller] += 1
        EVENT_STREAMS.inc()
        try:
            yield
        finally:
            EVENT_STREAMS.dec()
            self._callers[caller] -= 1
            if not self._callers[caller]:
                del self._callers[caller]
