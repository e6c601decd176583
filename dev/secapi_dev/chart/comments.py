"""The comments of ``values.yaml``: one that begins with ``# --`` says what the value below it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from secapi_dev.errors import StackError

_COMMENT = re.compile(r"\s*#\s?(?P<text>.*)")
_MARK = "-- "


@dataclass(frozen=True, slots=True)
class Documented:
    """One value: the keys that lead to it, its default, and the comment as one line."""

    path: tuple[str, ...]
    default: object
    comment: str


def documented(text: str) -> list[Documented]:
    """Every value of a YAML text, in order; ``StackError`` if neither it nor what it is part of has a comment."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise StackError("the values are not a mapping")
    return list(_below(root, (), text.splitlines()))


def _below(node: yaml.MappingNode, path: tuple[str, ...], lines: list[str]) -> Iterator[Documented]:
    for key, value in node.value:
        inner = (*path, key.value)
        if comment := _above(key.start_mark.line, lines):
            yield Documented(inner, _plain(value), comment)
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _below(value, inner, lines)
        else:
            raise StackError(f'the value {".".join(inner)} has no comment that begins with "# --"')


def _above(number: int, lines: list[str]) -> str:
    """The marked comment right above a line, empty if there is none."""
    words: list[str] = []
    while number and (match := _COMMENT.fullmatch(lines[number - 1])):
        number -= 1
        words.insert(0, match["text"].removeprefix(_MARK))
        if match["text"].startswith(_MARK):
            return " ".join(words)
    return ""


def _plain(node: yaml.Node) -> object:
    """What the node means in Python."""
    return yaml.safe_load(yaml.serialize(node))
