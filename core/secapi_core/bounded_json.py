"""JSON that Postgres accepts, whatever the values came from (promise P11).

``jsonb`` refuses ``\\u0000`` and has no NaN or Infinity, and a value nested too deeply exhausts a stack on one side
or the other. Nearly all values have none of these and are written as they are; only the others are rebuilt.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

import orjson

from secapi_core.findings import clean

DEPTH_LIMIT = 250
"""Levels of nesting that are kept; orjson writes no more than 254."""

TEXT_LIMIT = 1_000_000
"""Characters of one text that are kept where a value has to be rebuilt."""


def storable_bytes(value: Any) -> bytes:
    """``value`` as JSON that ``jsonb`` accepts: NUL and what is not Unicode replaced, NaN and Infinity null.

    What is nested too deeply becomes ``"…"``. Never raises.
    """
    try:
        data = orjson.dumps(value)
    except TypeError:  # orjson's JSONEncodeError: too deep, lone surrogates, keys or values of other types
        return orjson.dumps(_rebuilt(value, DEPTH_LIMIT))
    return orjson.dumps(_rebuilt(value, DEPTH_LIMIT)) if b"\\u0000" in data else data


def storable_json(value: Any) -> str:
    """``storable_bytes`` as the text that database drivers take."""
    return storable_bytes(value).decode()


def bounded_json(value: Any, limit: int) -> str:
    """``storable_json`` of at most ``limit`` bytes; a larger value is replaced by a note that says so."""
    data = storable_bytes(value)
    return data.decode() if len(data) <= limit else f'{{"omitted":"{len(data)} bytes"}}'


def _rebuilt(value: Any, depth: int) -> Any:
    """``value`` out of nothing but plain JSON types."""
    match value:
        case None | bool():
            return value
        case str():
            return clean(value, TEXT_LIMIT)
        case int():
            # orjson writes 64 bits; hexadecimal because Python limits the digits of decimal text.
            return value if -(2**63) <= value < 2**64 else clean(hex(value), TEXT_LIMIT)
        case float():
            return value if isfinite(value) else None
        case _ if depth == 0:
            return "…"
        case Mapping():
            return {clean(key, TEXT_LIMIT): _rebuilt(item, depth - 1) for key, item in value.items()}
        case bytes() | bytearray():
            return clean(value.decode("utf-8", "replace"), TEXT_LIMIT)
        case Iterable():
            return [_rebuilt(item, depth - 1) for item in value]
        case _:
            return clean(value, TEXT_LIMIT)
