from hypothesis import given
from hypothesis import strategies as st

from hand_clock import Clock
from secapi_operator.objects import ScanKey
from secapi_operator.reconcile.pace import InterimPace

A, B, C = (ScanKey("team", name, f"uid-{name}") for name in "abc")
OTHER = ScanKey("other", "a", "uid-other")


class Showing:
    """Scans that ask when they are told to, and again whenever they are woken; ``shown`` has those let through."""

    def __init__(self, *, rate: float = 2.0, burst: int = 1) -> None:
        self.clock = Clock()
        self.shown: list[ScanKey] = []
        self.waiting: set[ScanKey] = set()
        self.pace = InterimPace(self.clock, rate=rate, burst=burst, wake=self.ask)

    def ask(self, *keys: ScanKey) -> None:
        for key in keys:
            if self.pace.admits(key):
                self.shown.append(key)
                self.waiting.discard(key)
            else:
                self.waiting.add(key)


def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    showing = Showing(rate=2.0, burst=2)
    many = [ScanKey("team", str(number), str(number)) for number in range(6)]
    showing.ask(*many)
    assert showing.shown == many[:2]
    showing.clock.advance(1.0)
    assert showing.shown == many[:4]
    showing.clock.advance(1.0)
    assert showing.shown == many


def test_namespaces_take_turns() -> None:
    showing = Showing()
    showing.ask(A, B, C, OTHER)
    showing.clock.advance(1.5)
    assert showing.shown == [A, B, OTHER, C]


def test_what_ended_while_it_waited_takes_no_turn() -> None:
    showing = Showing()
    showing.ask(A, B, C)
    showing.pace.leave(B)
    showing.clock.advance(0.5)
    assert showing.shown == [A, C]


def test_asking_again_does_not_help() -> None:
    showing = Showing()
    showing.ask(A, B, C, C, B, C)
    showing.clock.advance(0.5)
    assert showing.shown == [A, B]


def test_after_a_pause_a_burst_is_free_again() -> None:
    showing = Showing(burst=2)
    showing.ask(A, B, C)
    showing.clock.advance(10.0)
    showing.ask(A, B)
    assert showing.shown == [A, B, C, A, B]


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from([A, B, C, OTHER]), st.booleans()), max_size=60))
def test_never_faster_than_the_rate_and_nobody_is_forgotten(events: list[tuple[float, ScanKey, bool]]) -> None:
    rate, burst = 2.0, 3
    showing = Showing(rate=rate, burst=burst)
    for seconds, key, leaves in events:
        showing.clock.advance(seconds)
        if leaves:
            showing.pace.leave(key)
            showing.waiting.discard(key)
        else:
            showing.ask(key)
        assert len(showing.shown) <= burst + showing.clock.time() * rate + 1e-6
    showing.clock.advance((len(showing.waiting) + 1) / rate)
    assert not showing.waiting
