"""How long to wait before a request is sent again, and when to give up. Pure but for chance and the clock.

Written here because the retrying transports that there are shorten a ``Retry-After`` they find too long, which sends
the request into the same refusal, and know no limit for a request as a whole.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

RETRIED = frozenset({429, 502, 503, 504})
"""Statuses that may pass: too much at once, or something behind the server is away."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Bounds of one request and its repetitions."""

    attempts: int = 5
    """Requests sent, at most."""

    budget: float = 60.0
    """Seconds after the first request in which another may begin."""

    first_delay: float = 0.5
    longest_delay: float = 8.0
    statuses: frozenset[int] = RETRIED

    def delay(self, attempt: int, elapsed: float, retry_after: str | None = None) -> float | None:
        """Seconds to wait after ``attempt`` requests failed within ``elapsed`` seconds; None to give up.

        A ``Retry-After`` is waited out; one beyond the budget is a reason to give up at once.
        """
        if attempt >= self.attempts:
            return None
        backoff = min(self.first_delay * 2 ** min(attempt - 1, 32), self.longest_delay)
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads requests, hides nothing
        wait = backoff * jitter + _seconds(retry_after)
        return wait if elapsed + wait <= self.budget else None


def _seconds(retry_after: str | None) -> float:
    """What the header asks for: seconds or a date. 0 if there is none, or nonsense."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, when.replace(tzinfo=when.tzinfo or UTC).timestamp() - time.time())
