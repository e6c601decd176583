"""Opaque cursors of keyset pages: the sort key of the last item shown, and nothing else. Pure.

A page is asked for as "after this key", so a deep page costs what the first one does, and rows that come or go between
two requests move no others.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import orjson

T = TypeVar("T")

MAX_LIMIT = 200
CURSOR_LIMIT = 1024
"""Characters; a longer one is not ours. The longest hold a ``continue`` of the apiserver, and so an object's name."""


class InvalidCursor(ValueError):
    """The text is not a cursor that this kind of list gave out."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items in order, and the cursor of the next page or ``None`` at the end."""

    items: list[T]
    next_cursor: str | None


def encode_cursor(*key: str) -> str:
    """The cursor after an item whose sort key is ``key``."""
    return urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str, length: int) -> list[str]:
    """The ``length`` parts of the key; raises InvalidCursor for anything that ``encode_cursor`` did not make."""
    try:
        if len(cursor) > CURSOR_LIMIT:
            raise ValueError
        key = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not (isinstance(key, list) and len(key) == length and all(isinstance(part, str) for part in key)):
            raise ValueError
    except ValueError as error:
        raise InvalidCursor("this is not a cursor of this list") from error
    return key


def decode_id(cursor: str) -> UUID:
    """The key of a list that is sorted by id alone; raises InvalidCursor."""
    (key,) = decode_cursor(cursor, 1)
    try:
        return UUID(key)
    except ValueError as error:
        raise InvalidCursor("this is not a cursor of this list") from error
