"""How long is waited between tries."""

from datetime import timedelta
from itertools import pairwise
from random import Random

from secapi_core.webhooks.schedule import LONGEST, PAUSES, pause


def test_pauses_grow_and_are_up_to_a_fifth_longer() -> None:
    rng = Random(7)  # noqa: S311 -- repeatable
    for attempt, scheduled in enumerate(PAUSES, start=1):
        waits = [pause(attempt, None, rng) for _ in range(200)]
        assert scheduled <= min(waits) < max(waits) <= scheduled * 1.2
        assert len(set(waits)) > 100
    assert all(earlier < later for earlier, later in pairwise(PAUSES))


def test_what_the_receiver_asks_for_counts_if_it_is_longer_and_bearable() -> None:
    rng = Random(7)  # noqa: S311 -- repeatable
    assert pause(1, timedelta(minutes=7), rng) == timedelta(minutes=7)
    assert pause(2, timedelta(seconds=1), rng) >= PAUSES[1]
    assert pause(1, timedelta(days=900), rng) == LONGEST
    assert pause(1, timedelta(days=-1), rng) >= PAUSES[0]
