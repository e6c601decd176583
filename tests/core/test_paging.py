"""Cursors say where to go on, and nothing that was not ours is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.paging import CURSOR_LIMIT, InvalidCursor, decode_cursor, encode_cursor


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=3))
def test_a_cursor_holds_its_key(key: list[str]) -> None:
    assert decode_cursor(encode_cursor(*key), len(key)) == key


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=3))
def test_a_cursor_can_stand_in_a_url(key: list[str]) -> None:
    assert set(encode_cursor(*key)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text())
def test_any_other_text_is_refused_or_a_key_of_the_right_length(text: str) -> None:
    try:
        key = decode_cursor(text, 2)
    except InvalidCursor:
        return
    assert len(key) == 2


@pytest.mark.parametrize(
    "cursor", ["", "%", "e30", "W10", "WyJhIl0", "WzEsMl0", "A" * (CURSOR_LIMIT + 1), "ünïcode", encode_cursor("a")]
)
def test_what_is_not_a_cursor_of_two_parts_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, 2)
