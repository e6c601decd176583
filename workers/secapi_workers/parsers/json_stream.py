"""Entries of a JSON report, one at a time, whatever its size: a walk over tokens along a few known paths.

Values off those paths are skipped without being built. yajl (through ijson) makes the tokens; it checks UTF-8 and
refuses raw control characters, comments and NaN.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any, BinaryIO

import ijson

from secapi_workers.parsers.bounds import Meter, ParseLimits, chunks, invalid

_NODE_BYTES = 64
"""What one value costs in memory besides its text, roughly."""

_OPENING = frozenset({"start_map", "start_array"})
_CLOSING = frozenset({"end_map", "end_array"})

Event = tuple[str, Any]
"""A token: its kind (``map_key``, ``string``, ``start_map`` …) and its value, if it has one."""


class TooLarge:
    """Stands for a value that would take more than ``ParseLimits.max_entry_bytes``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value at a path; ``at`` says what its ``item`` (an index from 0) and ``*`` (a key) stood for, in order."""

    path: str
    at: tuple[int | str, ...]
    value: Any

    @property
    def position(self) -> int:
        """Its index in the innermost array, from 0."""
        return next((step for step in reversed(self.at) if isinstance(step, int)), 0)


@dataclass(slots=True)
class _Node:
    """A step on the way to a path; a leaf knows the path it ends."""

    path: str = ""
    wanted: bool = False
    children: dict[str, "_Node"] = field(default_factory=dict)


class JsonEntries:
    """The values at ``paths`` of the JSON text in ``stream``, in the order in which they come.

    A path is keys joined with dots, ``item`` for any element of an array, ``*`` for any key of an object. No path may
    be the beginning of another.
    """

    def __init__(self, stream: BinaryIO, limits: ParseLimits, *paths: str) -> None:
        """Nothing is read before the first entry is asked for."""
        self._stream = stream
        self._limits = limits
        self._root = _Node()
        self._seen: set[str] = set()
        for path in paths:
            node = self._root
            for step in path.split("."):
                node = node.children.setdefault(step, _Node(f"{node.path}.{step}".removeprefix(".")))
            node.wanted = True

    def __iter__(self) -> Iterator[Entry]:
        """Read to the end, even after the last entry: a report that is cut off is no report."""
        events = _events(self._stream, self._limits)
        for kind, value in events:
            yield from self._walk(self._root, kind, value, events, ())

    def has(self, path: str) -> bool:
        """Whether the array or object that holds entries of a path (``results`` for ``results.item``) was there."""
        return path in self._seen

    def require(self, path: str, what: str) -> None:
        """Raise ``JobFailed`` if the report, now read to its end, lacks what every report of its kind has."""
        if not self.has(path):
            raise invalid(f"the report is not {what}: it has no {path!r}")

    def _walk(
        self, node: _Node, kind: str, value: Any, events: Iterator[Event], at: tuple[int | str, ...]
    ) -> Iterator[Entry]:
        """Entries in the value whose first token is given."""
        if node.wanted:
            yield Entry(node.path, at, _build(kind, value, events, self._limits.max_entry_bytes))
        elif kind == "start_array" and "item" in node.children:
            self._seen.add(node.path)
            yield from self._walk_array(node.children["item"], events, at)
        elif kind == "start_map" and "item" not in node.children:
            self._seen.add(node.path)
            yield from self._walk_object(node, events, at)
        elif kind in _OPENING:
            _skip(events, 1)

    def _walk_array(self, child: _Node, events: Iterator[Event], at: tuple[int | str, ...]) -> Iterator[Entry]:
        for index in count():
            kind, value = next(events)
            if kind == "end_array":
                return
            yield from self._walk(child, kind, value, events, (*at, index))

    def _walk_object(self, node: _Node, events: Iterator[Event], at: tuple[int | str, ...]) -> Iterator[Entry]:
        wildcard = node.children.get("*")
        while (key := next(events)) != ("end_map", None):
            kind, value = next(events)
            if (child := node.children.get(key[1])) is not None:
                yield from self._walk(child, kind, value, events, at)
            elif wildcard is not None:
                yield from self._walk(wildcard, kind, value, events, (*at, key[1]))
            elif kind in _OPENING:
                _skip(events, 1)


def _events(stream: BinaryIO, limits: ParseLimits) -> Iterator[Event]:
    """The tokens of one JSON text, with its depth and the size of its tokens bounded."""
    tokens: list[Event] = ijson.sendable_list()
    tokenizer = ijson.basic_parse_coro(tokens)
    meter = Meter(limits)
    depth = 0
    try:
        for chunk in chunks(stream, limits):
            tokenizer.send(chunk)
            meter.count(chunk, len(tokens))
            for token in tokens:
                if token[0] in _OPENING:
                    depth += 1
                    if depth > limits.max_depth:
                        raise invalid(f"the report is nested deeper than {limits.max_depth} levels")
                elif token[0] in _CLOSING:
                    depth -= 1
                yield token
            tokens.clear()
        tokenizer.close()
    # The latter three come from numbers that Python's int and Decimal refuse, such as one of 5,000 digits.
    except (ijson.JSONError, SystemError, ValueError, ArithmeticError) as error:
        raise invalid(f"the report is not valid JSON: {_first_line(error)}") from error
    finally:
        tokens.clear()


def _first_line(error: Exception) -> str:
    """The gist of an error of yajl, whose later lines quote the report."""
    return str(error).removeprefix("b'").partition("\n")[0].partition("\\n")[0].strip()


def _skip(events: Iterator[Event], depth: int) -> None:
    """Consume tokens until ``depth`` objects and arrays that are open have closed."""
    while depth:
        kind, _ = next(events)
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1


def _build(kind: str, value: Any, events: Iterator[Event], budget: int) -> Any:
    """The value whose first token is given, or ``TooLarge``; either way its tokens are consumed."""
    if kind not in _OPENING:
        return _scalar(value)
    container: Any = {} if kind == "start_map" else []
    parents: list[Any] = []
    key = ""
    while True:
        kind, value = next(events)
        if kind == "map_key":
            key = value
            budget -= len(value)
            continue
        if kind in _CLOSING:
            if not parents:
                return container
            container = parents.pop()
            continue
        budget -= _NODE_BYTES + (len(value) if kind == "string" else 0)
        if budget < 0:
            _skip(events, len(parents) + 1 + (kind in _OPENING))
            return TooLarge
        child = {} if kind == "start_map" else [] if kind == "start_array" else _scalar(value)
        if type(container) is dict:
            container[key] = child
        else:
            container.append(child)
        if kind in _OPENING:
            parents.append(container)
            container = child


def _scalar(value: Any) -> Any:
    """Numbers with a fraction come as ``Decimal``, whose exponent can be a trap; ``float`` has none."""
    return float(value) if type(value) is Decimal else value
