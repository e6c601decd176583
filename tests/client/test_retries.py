"""How long is waited before a request is sent again. Pure."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from secapi_client.retries import Retries

RETRIES = Retries(attempts=4, budget=20, first_delay=1, longest_delay=3)


def test_delays_grow_and_are_spread() -> None:
    for attempt, longest in ((1, 1), (2, 2), (3, 3)):
        delays = {RETRIES.delay(attempt, 0) for _ in range(20)}
        assert len(delays) > 1
        assert all(delay is not None and longest / 2 <= delay <= longest for delay in delays)


def test_after_the_last_attempt_it_gives_up() -> None:
    assert RETRIES.delay(4, 0) is None


def test_nothing_is_sent_after_the_budget() -> None:
    assert RETRIES.delay(1, 18.9) is not None
    assert RETRIES.delay(1, 19.6) is None


def test_a_great_many_attempts_are_no_trouble() -> None:
    assert Retries(attempts=10**9).delay(10**6, 0) is not None


@pytest.mark.parametrize("as_date", [False, True])
def test_what_the_server_asks_for_is_waited_out(as_date: bool) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    delay = RETRIES.delay(1, 0, date if as_date else "8")
    assert delay is not None
    # A date has no fractions of a second.
    assert 7 < delay < 10.5


def test_when_it_asks_for_more_than_the_budget_nothing_is_sent_sooner() -> None:
    assert RETRIES.delay(1, 0, "3600") is None


@pytest.mark.parametrize("header", ["", "soon", "-5", "\u0665", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_nonsense_and_the_past_ask_for_nothing(header: str) -> None:
    delay = RETRIES.delay(1, 0, header)
    assert delay is not None
    assert delay <= 1
