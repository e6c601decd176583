"""What commands show. Results go to standard output and nothing else does, messages go to standard error."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Literal, TypeVar

import yaml
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from secapi_client.models.base import Model

T = TypeVar("T", bound=Model)

UNBOUNDED = 100_000
"""Columns of a screen: whoever reads a table from a pipe does not wrap lines."""

NARROWEST = 20
BETWEEN = 2

_UNUSUAL = re.compile(r"[^\x20-\x7e\n]")


class Format(StrEnum):
    """Of results."""

    TABLE = "table"
    """For people; may change."""

    JSON = "json"
    """The server's names; only ever gains fields."""

    YAML = "yaml"
    """The same."""


@dataclass(frozen=True)  # slots would break Column[…](…) in Python 3.11
class Column(Generic[T]):
    """A column of a table, or a line about a single thing."""

    title: str
    text: Callable[[T], object]
    style: Callable[[T], str] = lambda _: ""
    cut: bool = False
    """Whether a terminal that is too narrow may lose the end of it; only of a table's last column."""


class Output:
    """Shows results in one format."""

    def __init__(self, form: Format, *, color: bool) -> None:
        """``color`` is wanted, if the terminal has it."""
        self.format = form
        system: Literal["auto"] | None = "auto" if color else None
        self._results = Console(color_system=system, highlight=False, markup=False, width=UNBOUNDED)
        self.messages = Console(color_system=system, highlight=False, markup=False, stderr=True)

    def say(self, message: str) -> None:
        """Tell the person at the terminal."""
        self.messages.print(Text(visible(message)), soft_wrap=True)

    def items(self, items: Sequence[T], columns: Sequence[Column[T]]) -> None:
        """A list: a table with a line for each, or an array."""
        if self.format is not Format.TABLE:
            self.document([item.to_wire() for item in items])
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        rows = [[_cell(column, item) for column in columns] for item in items]
        for column in columns:
            longest = self._left_beside(columns[:-1], rows) if column.cut else None
            table.add_column(column.title, no_wrap=True, overflow="ellipsis", max_width=longest)
        for row in rows:
            table.add_row(*row)
        self._show(table, UNBOUNDED)

    def one(self, item: T, columns: Sequence[Column[T]]) -> None:
        """A single thing: a line for each column, or an object."""
        if self.format is not Format.TABLE:
            self.document(item.to_wire())
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for column in columns:
            table.add_row(column.title, _cell(column, item))
        self._show(table, _screen())

    def word(self, item: Model, word: str) -> None:
        """A single thing of which people want one word, alone on its line for a pipe; or an object."""
        if self.format is Format.TABLE:
            _write(f"{visible(word)}\n")
        else:
            self.document(item.to_wire())

    def document(self, value: Any) -> None:
        """A JSON value, as JSON or YAML."""
        if self.format is Format.YAML:
            _write(_printable_yaml(value))
        else:
            _write(f"{_printable_json(value)}\n")

    @staticmethod
    def _left_beside(columns: Sequence[Column[T]], rows: Sequence[Sequence[Text]]) -> int:
        """What a terminal has left for the last column; what may be copied is never cut."""
        taken = (
            max([cell_len(column.title), *(row[index].cell_len for row in rows)]) + BETWEEN
            for index, column in enumerate(columns)
        )
        return max(NARROWEST, _screen() - sum(taken))

    def _show(self, table: Table, width: int) -> None:
        with self._results.capture() as capture:
            self._results.print(table, width=width)
        _write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _screen() -> int:
    """Columns that there are to write to."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED


def time_text(moment: datetime | None) -> str:
    """For a table: to the second."""
    return moment.isoformat(timespec="seconds") if moment is not None else ""


def visible(text: str) -> str:
    """Text that may come from whatever was scanned, without what would command the terminal or reorder the line."""
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "\ufffd" for letter in text)


def _cell(column: Column[T], item: T) -> Text:
    value = column.text(item)
    return Text("" if value is None else visible(str(value)), style=column.style(item))


def _printable_json(value: Any) -> str:
    """Letters as they are; what a terminal would act upon is escaped, which leaves the value the same."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _UNUSUAL.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)


class _Dumper(yaml.SafeDumper):
    """Puts text into double quotes where something in it has to be escaped, which it can be nowhere else."""


def _quoted(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _quoted)


def _printable_yaml(value: Any) -> str:
    """The same for YAML."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return _UNUSUAL.sub(lambda found: found[0] if found[0].isprintable() else f"\\U{ord(found[0]):08x}", text)


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough. That is no failure, and Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
