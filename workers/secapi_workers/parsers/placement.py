"""From the worker's world to the target's: a report names temporary paths and pinned addresses, findings must not.

Where a tool withholds the code it points at, the anchor is read from the source tree, so that a finding keeps its
identity when lines move. This is the one step after parsing that touches files.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from secapi_core.findings import Finding, Location, Quarantined
from secapi_workers.parsers.fields import folded

_FILE_LIMIT = 4 * 1024 * 1024
_LINES_LIMIT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What stood for what in one run: the tree that was scanned, and the address that a host name was pinned to."""

    source: Path | None = None
    pinned_address: str = ""
    host: str = ""


def placed(items: Iterable[Finding | Quarantined], placement: Placement) -> Iterator[Finding | Quarantined]:
    """``items`` with paths relative to the scanned tree, hosts as the target names them, and anchors filled in."""
    source = placement.source.resolve() if placement.source is not None else None
    roots = tuple(f"{root}/" for root in dict.fromkeys((placement.source, source)) if root is not None)
    lines = _Lines(source)
    for item in items:
        if isinstance(item, Quarantined):
            yield _without(item, roots)
            continue
        location = _moved(item.location, roots, placement)
        anchor = item.anchor or lines.at(location)
        if location is item.location and anchor is item.anchor:
            yield item
        else:
            yield replace(item, location=location, anchor=anchor)


def _moved(location: Location, roots: tuple[str, ...], placement: Placement) -> Location:
    path = location.path.removeprefix("file://")
    for root in roots:
        # A target's path may name a single file: then the tree is that file.
        path = root.rstrip("/").rpartition("/")[2] if f"{path}/" == root else path.removeprefix(root)
    path = path.removeprefix("./")
    host = placement.host if placement.host and location.host == placement.pinned_address else location.host
    if path == location.path and host == location.host:
        return location
    return replace(location, path=path, host=host)


def _without(item: Quarantined, roots: tuple[str, ...]) -> Quarantined:
    """A problem's text without the worker's own paths."""
    problem, excerpt = item.problem, item.excerpt
    for root in roots:
        problem, excerpt = problem.replace(root, ""), excerpt.replace(root, "")
    return Quarantined(item.position, problem, excerpt)


class _Lines:
    """Lines of the scanned files; keeps the last file, since reports go file by file."""

    def __init__(self, source: Path | None) -> None:
        self._source = source
        self._path = ""
        self._content: list[str] = []

    def at(self, location: Location) -> str:
        """The code at ``location`` with white space folded; empty where there is none to be had."""
        if self._source is None or not location.path or location.start_line is None:
            return ""
        if location.path != self._path:
            self._path, self._content = location.path, self._read(location.path)
        end = min(location.end_line or location.start_line, location.start_line + _LINES_LIMIT - 1)
        return folded("\n".join(self._content[location.start_line - 1 : end]))

    def _read(self, name: str) -> list[str]:
        """The file's lines, if it is a regular file of a sane size inside the tree, also after following links."""
        assert self._source is not None  # noqa: S101 - at() asks only if there is a tree
        try:
            path = self._source if self._source.is_file() else (self._source / name).resolve()
            if not path.is_relative_to(self._source) or not path.is_file() or path.stat().st_size > _FILE_LIMIT:
                return []
            return path.read_text(encoding="utf-8", errors="replace").splitlines()
        # Paths come from reports: too long, through a file, with a loop of links.
        except (OSError, ValueError, RuntimeError):
            return []
