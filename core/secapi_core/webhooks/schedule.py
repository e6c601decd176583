"""When a delivery that did not work out is tried again: the schedule that Standard Webhooks suggests. Pure."""

from datetime import timedelta
from random import Random

PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first attempt, the second, and so on: ten attempts in three days."""

LONGEST = PAUSES[-1]
JITTER = 0.2


def pause(attempt: int, asked: timedelta | None, rng: Random) -> timedelta:
    """The time between ``attempt`` (from 1) and the next, up to a fifth longer than scheduled.

    It is what the receiver ``asked`` for in ``Retry-After`` where that is longer, but at most a day. Jitter, because
    deliveries that failed together, when a receiver went down, must not come back together.
    """
    scheduled = PAUSES[min(attempt, len(PAUSES)) - 1] * (1 + JITTER * rng.random())
    return max(scheduled, min(asked or timedelta(0), LONGEST))
