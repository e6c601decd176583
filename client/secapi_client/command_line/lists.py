"""Lists that are cut off somewhere, which must not go unnoticed."""

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from secapi_client.command_line.output import Output

T = TypeVar("T")


def one_more(limit: int) -> int | None:
    """How many to ask for so that :func:`first` notices more than ``limit``; None is all, for a limit of 0."""
    return limit + 1 if limit else None


def first(items: Iterable[T], limit: int, output: Output) -> list[T]:
    """The first ``limit`` items, or all if that is 0; says so if there are more."""
    if not limit:
        return list(items)
    found = list(islice(items, one_more(limit)))
    if len(found) > limit:
        output.say(f"these are the first {limit}; --limit 0 shows all")
    return found[:limit]
