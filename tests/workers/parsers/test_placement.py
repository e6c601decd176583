"""Findings speak of the target, not of where a worker happened to put it."""

from pathlib import Path

import pytest

from secapi_core.findings import Finding, Location, Quarantined, Severity
from secapi_workers.parsers.placement import Placement, placed


def finding(anchor: str = "", **location: object) -> Finding:
    return Finding(rule="r", title="t", severity=Severity.LOW, anchor=anchor, location=Location(**location))  # type: ignore[arg-type]  # keyword for keyword


def place(item: Finding, **placement: object) -> Finding:
    [result] = placed([item], Placement(**placement))  # type: ignore[arg-type]  # keyword for keyword
    assert isinstance(result, Finding)
    return result


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with one file of four lines."""
    source = tmp_path / "source"
    (source / "src").mkdir(parents=True)
    (source / "src" / "a.py").write_text("import os\n\n  os.system(  name )  \nexit()\n")
    return source


def test_a_path_below_the_tree_becomes_relative(tree: Path) -> None:
    assert place(finding(path=f"{tree}/src/a.py"), source=tree).location.path == "src/a.py"


def test_a_path_that_goes_through_a_link_to_the_tree_becomes_relative(tree: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tree)

    for root in (link, tree):
        assert place(finding(path=f"{root}/src/a.py"), source=link).location.path == "src/a.py"


@pytest.mark.parametrize("path", ["src/a.py", "./src/a.py"])
def test_a_relative_path_stays(tree: Path, path: str) -> None:
    assert place(finding(path=path), source=tree).location.path == "src/a.py"


def test_a_pinned_address_becomes_the_targets_name() -> None:
    placement = {"pinned_address": "192.0.2.1", "host": "shop.example"}

    assert place(finding(host="192.0.2.1", port=22), **placement).location.host == "shop.example"
    assert place(finding(host="192.0.2.9", port=22), **placement).location.host == "192.0.2.9"


def test_an_empty_anchor_is_the_code_at_the_place_with_white_space_folded(tree: Path) -> None:
    assert place(finding(path="src/a.py", start_line=3), source=tree).anchor == "os.system( name )"
    assert place(finding(path="src/a.py", start_line=3, end_line=4), source=tree).anchor == "os.system( name ) exit()"


def test_a_target_that_is_a_single_file_keeps_the_files_name_and_code(tree: Path) -> None:
    file = tree / "src" / "a.py"

    result = place(finding(path=str(file), start_line=4), source=file)

    assert (result.location.path, result.anchor) == ("a.py", "exit()")


def test_an_anchor_that_is_there_stays(tree: Path) -> None:
    assert place(finding("given", path="src/a.py", start_line=3), source=tree).anchor == "given"


@pytest.mark.parametrize("line", [None, 99, 2**31 - 1])
def test_a_line_that_is_not_there_gives_no_anchor(tree: Path, line: int | None) -> None:
    assert place(finding(path="src/a.py", start_line=line), source=tree).anchor == ""


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "link", "missing", "src", "src/a.py/b", "x" * 1_900, "pipe"]
)
def test_what_is_outside_the_tree_or_no_file_is_never_read(tree: Path, path: str) -> None:
    (tree.parent / "secret").write_text("secret\n")
    (tree / "link").symlink_to(tree.parent / "secret")
    (tree / "pipe").symlink_to("pipe")

    assert place(finding(path=path, start_line=1), source=tree).anchor == ""


def test_a_large_file_is_not_read(tree: Path) -> None:
    (tree / "large").write_text("x\n" * 3_000_000)
    assert place(finding(path="large", start_line=1), source=tree).anchor == ""


def test_a_file_that_is_not_text_does_no_harm(tree: Path) -> None:
    (tree / "binary").write_bytes(b"\xff\xfe\0\n" * 10)
    assert "\0" not in place(finding(path="binary", start_line=1), source=tree).anchor


def test_problems_are_told_without_the_workers_paths(tree: Path) -> None:
    bad = Quarantined(3, f"could not read {tree}/src/a.py", f"['{tree}/src/a.py']")

    assert list(placed([bad], Placement(source=tree))) == [Quarantined(3, "could not read src/a.py", "['src/a.py']")]
