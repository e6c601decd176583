"""The id of an event is all that a client needs to go on, and nothing else passes for one."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_api.scan_events.position import Position

SCAN = UUID(int=7)


@given(st.integers(0, 2**31 - 1), st.binary(max_size=2_000))
def test_an_id_leads_back_to_its_position(version: int, steps: bytes) -> None:
    position = Position(version, bytearray(steps))
    event_id = position.event_id(SCAN)
    assert Position.after(event_id, SCAN) == position
    assert len(event_id) < 3_500
    assert event_id.isascii()
    assert not {"\n", "\r", "\0", " "} & set(event_id)


def test_the_id_of_a_small_scan_is_short() -> None:
    assert len(Position(12, bytearray([5, 5, 3])).event_id(SCAN)) < 30


@given(st.one_of(st.none(), st.text(max_size=100), st.text("AQgw_-=", max_size=5_000)))
def test_what_is_no_id_is_the_beginning(event_id: str | None) -> None:
    assert Position.after(event_id, SCAN) == Position()


@pytest.mark.parametrize("position", [Position(), Position(3, bytearray(b"\x02\x05"))])
def test_the_id_of_another_scans_event_is_the_beginning(position: Position) -> None:
    assert Position.after(position.event_id(SCAN), uuid4()) == Position()


def test_an_id_that_was_changed_is_the_beginning() -> None:
    event_id = Position(3, bytearray(b"\x02\x05")).event_id(SCAN)
    for place in range(len(event_id) - 1):
        other = "A" if event_id[place] != "A" else "B"
        assert Position.after(event_id[:place] + other + event_id[place + 1 :], SCAN) == Position()
