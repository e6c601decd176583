"""How long a job waits before its next attempt. Pure."""

from datetime import timedelta
from random import Random

BASE = timedelta(seconds=5)
CAP = timedelta(minutes=5)


def backoff(attempt: int, rng: Random) -> timedelta:
    """A random delay before the attempt that follows ``attempt`` (from 1): anything up to a ceiling that doubles.

    Full jitter: jobs that failed together, because a host or a registry was down, do not come back together.
    """
    doublings: int = min(attempt - 1, 16)
    ceiling = min(CAP, BASE * (1 << doublings))
    return ceiling * rng.random()
