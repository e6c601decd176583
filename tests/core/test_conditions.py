"""Conditions follow the rules of Kubernetes' own helpers."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from secapi_core.conditions import ACCEPTED, MESSAGE_BYTES, SUCCEEDED, find_condition, is_true, set_condition
from secapi_core.crds.base import Condition

THEN = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)
LATER = THEN + timedelta(minutes=5)


def accepted(message: str = "planned") -> list[Condition]:
    return set_condition([], ACCEPTED, "True", "Planned", message, now=THEN, observed_generation=1)


def test_a_new_condition_is_appended_with_the_time_in_whole_seconds() -> None:
    [condition] = accepted()
    assert condition.to_wire() == {
        "type": "Accepted",
        "status": "True",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-23T10:00:00Z",
        "reason": "Planned",
        "message": "planned",
    }


def test_the_transition_time_stays_while_the_status_stays() -> None:
    [condition] = set_condition(accepted(), ACCEPTED, "True", "Replanned", "again", now=LATER, observed_generation=2)
    assert condition.last_transition_time == THEN.replace(microsecond=0)
    assert (condition.reason, condition.message, condition.observed_generation) == ("Replanned", "again", 2)


def test_the_transition_time_moves_when_the_status_changes() -> None:
    [condition] = set_condition(accepted(), ACCEPTED, "False", "UnknownScanner", "no such scanner", now=LATER)
    assert condition.last_transition_time == LATER.replace(microsecond=0)


def test_setting_the_same_again_changes_nothing() -> None:
    assert (
        set_condition(accepted(), ACCEPTED, "True", "Planned", "planned", now=LATER, observed_generation=1)
        == accepted()
    )


def test_other_conditions_keep_their_place() -> None:
    both = set_condition(accepted(), SUCCEEDED, "Unknown", "Running", "", now=THEN)
    changed = set_condition(both, ACCEPTED, "False", "Forbidden", "", now=LATER)
    assert [condition.type for condition in changed] == [ACCEPTED, SUCCEEDED]
    assert changed[1] == both[1]


def test_the_given_list_is_left_alone() -> None:
    before = accepted()
    set_condition(before, ACCEPTED, "False", "Forbidden", "", now=LATER)
    assert before == accepted()


def test_reading_tells_true_from_false_unknown_and_absent() -> None:
    conditions = set_condition(accepted(), SUCCEEDED, "Unknown", "Running", "", now=THEN)
    assert is_true(conditions, ACCEPTED)
    assert not is_true(conditions, SUCCEEDED)
    assert not is_true(conditions, "GatePassed")
    assert find_condition(conditions, "GatePassed") is None


@given(st.text(max_size=2_000))
def test_a_message_is_bounded_in_bytes_and_has_no_control_characters(message: str) -> None:
    [condition] = accepted(message=message)
    assert len(condition.message.encode()) <= MESSAGE_BYTES
    assert condition.message.isprintable() or not set(condition.message) & set(map(chr, range(32)))


def test_a_cut_message_shows_that_it_was_cut() -> None:
    [condition] = accepted(message="ä" * 1_000)
    assert condition.message.endswith("ä…")
