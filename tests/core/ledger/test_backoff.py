"""How long a job waits before it is tried again."""

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from secapi_core.ledger.backoff import BASE, CAP, backoff


class Highest(Random):
    """The longest delay there can be."""

    def random(self) -> float:
        return 1.0


def test_the_ceiling_doubles_up_to_five_minutes() -> None:
    delays = [backoff(attempt, Highest()) for attempt in range(1, 10)]

    assert delays[:4] == [BASE, 2 * BASE, 4 * BASE, 8 * BASE]
    assert delays[-1] == CAP == timedelta(minutes=5)


@given(st.integers(1, 10_000), st.integers())
def test_a_delay_is_between_nothing_and_the_cap(attempt: int, seed: int) -> None:
    assert timedelta(0) <= backoff(attempt, Random(seed)) <= CAP  # noqa: S311 - a fixed order


def test_jobs_that_failed_together_do_not_come_back_together() -> None:
    rng = Random(1)  # noqa: S311 - a fixed order

    assert len({backoff(3, rng) for _ in range(100)}) > 90
