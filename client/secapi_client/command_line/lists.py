"""Lists that are cut off somewhere, which must not go unnoticed."""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from secapi_client.command_line.output import Output

T = TypeVar("T")


def first(items: Iterable[T], limit: int, output: Output) -> list[T]:
    """The first ``limit`` items, or all if that is 0; says so if there are more."""
    if not limit:
        return list(items)
    found = list(islice(items, limit + 1))
    if len(found) > limit:
        output.say(f"these are the first {limit}; --limit 0 shows all")
    return found[:limit]
