"""JSON that Postgres takes, from values that nobody checked."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.bounded_json import DEPTH_LIMIT, bounded_json, storable_json

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(categories=None))
    | st.binary()
    | st.decimals()
    | st.datetimes()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(
            st.text(st.characters(categories=None), max_size=5) | st.integers() | st.none(), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    depth = 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    return depth


@given(PLAIN.filter(lambda value: "\\u0000" not in orjson.dumps(value).decode()))
def test_plain_values_stay_as_they_are(value: Any) -> None:
    assert orjson.loads(storable_json(value)) == value


@given(ANYTHING)
def test_any_value_becomes_json_without_nul(value: Any) -> None:
    text = storable_json(value)

    orjson.loads(text)
    assert "\\u0000" not in text.replace("\\\\", "")


def test_nul_is_replaced_in_keys_and_values() -> None:
    assert orjson.loads(storable_json({"a\0": ["b\0"]})) == {
        "a\N{REPLACEMENT CHARACTER}": ["b\N{REPLACEMENT CHARACTER}"]
    }


def test_text_that_only_looks_like_an_escaped_nul_is_kept() -> None:
    assert orjson.loads(storable_json({"a": r"\u0000"})) == {"a": r"\u0000"}


def test_nan_and_infinity_are_null() -> None:
    assert orjson.loads(storable_json([float("nan"), float("inf"), 1.5])) == [None, None, 1.5]


def test_deep_nesting_is_cut() -> None:
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]

    assert depth_of(orjson.loads(storable_json(value))) == DEPTH_LIMIT


def test_integers_of_any_size_are_kept_as_text() -> None:
    assert orjson.loads(storable_json({"big": 2**80})) == {"big": hex(2**80)}


def test_a_value_within_the_limit_is_kept() -> None:
    assert bounded_json({"a": "x" * 10}, 20) == '{"a":"xxxxxxxxxx"}'


def test_a_value_beyond_the_limit_is_replaced_by_its_size() -> None:
    assert orjson.loads(bounded_json({"a": "x" * 100}, 20)) == {"omitted": "108 bytes"}
