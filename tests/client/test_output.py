"""What is shown: for whom, and nothing that a scanned host could do to a terminal."""

import asyncio
import json
import os
import pty
import termios
from collections.abc import Callable
from uuid import UUID

import pytest
import yaml

from running_stack import RunningStack
from secapi_client.command_line.app import global_first
from secapi_client.command_line.output import Column, Format, Output, visible
from secapi_client.models.base import Model
from secapi_command import SCRIPTS, Secapi

HOSTILE = "title\x1b[2J\x9b31m\u202egnp.exe\nnext\x07 [bold]ü"


class Thing(Model):
    """Something to show."""

    title: str


@pytest.mark.parametrize("form", Format)
def test_nothing_that_commands_a_terminal_is_shown(form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(form, color=False)
    output.items([Thing(title=HOSTILE)], [Column[Thing]("TITLE", lambda thing: thing.title)])
    output.one(Thing(title=HOSTILE), [Column[Thing]("title", lambda thing: thing.title)])
    output.say(HOSTILE)
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert all(letter.isprintable() or letter == "\n" for letter in text), ascii(text)
    assert "[bold]" in shown.err


@pytest.mark.parametrize(("form", "read"), [(Format.JSON, json.loads), (Format.YAML, yaml.safe_load)])
def test_the_value_is_the_same_after_all(
    form: Format, read: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    Output(form, color=False).one(Thing(title=HOSTILE), [])
    shown = capsys.readouterr().out
    assert read(shown) == {"title": HOSTILE}
    assert "ü" in shown


def test_letters_of_every_script_stay() -> None:
    assert visible("Größe 大きさ حجم") == "Größe 大きさ حجم"


def test_options_of_every_command_come_first_up_to_two_dashes() -> None:
    given = ["scan", "list", "-o", "json", "--since=1h", "--server=http://a", "--", "--context", "x"]
    assert global_first(given) == [
        "-o",
        "json",
        "--server=http://a",
        "scan",
        "list",
        "--since=1h",
        "--",
        "--context",
        "x",
    ]


async def test_whoever_stops_reading_ends_nothing_badly(secapi: Secapi, stack: RunningStack) -> None:
    scan = await stack.submit(findings=2000)
    await stack.settled([scan], within=60)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-o", "pipefail", "-c", f"secapi scan findings {scan} -o json | head -1"),
        env={"HOME": str(secapi.home), **secapi.environment, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, messages = await process.communicate()
    assert (process.returncode, output, messages) == (0, b"[\n", b"")


async def on_a_terminal(secapi: Secapi, *arguments: object, columns: int = 100) -> str:
    """What a command shows there."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, columns))
    process = await secapi.having(TERM="xterm-256color").start(*arguments, stdout=terminal)
    os.close(terminal)
    await process.communicate()
    shown = await asyncio.to_thread(os.read, controller, 65_536)
    os.close(controller)
    assert process.returncode == 0
    return shown.decode()


@pytest.fixture
async def scan(stack: RunningStack) -> UUID:
    """One that has found something."""
    scan = await stack.submit(findings=1)
    await stack.settled([scan], within=30)
    return scan


@pytest.mark.parametrize(("arguments", "colored"), [((), True), (("--no-color",), False)])
async def test_colours_are_for_terminals(secapi: Secapi, scan: UUID, arguments: tuple[str, ...], colored: bool) -> None:
    shown = await on_a_terminal(secapi, "scan", "show", scan, *arguments)
    assert "Succeeded" in shown
    assert ("\x1b[" in shown) is colored


@pytest.mark.parametrize(("columns", "cut"), [(30, True), (400, False)])
async def test_on_a_narrow_terminal_only_the_end_of_what_is_long_is_cut(
    secapi: Secapi, stack: RunningStack, columns: int, cut: bool
) -> None:
    scan = await stack.submit(scanners=[{"name": "noop", "parameters": {"exitCode": 1}}])
    await stack.settled([scan], within=30)
    (job,) = (await secapi("scan", "jobs", scan, "-o", "json")).json
    shown = await on_a_terminal(secapi, "scan", "jobs", scan, "--no-color", columns=columns)
    line = shown.splitlines()[1]
    assert job["target"]["url"] in line
    assert line.endswith("…") is cut
    assert (job["message"] in line) is not cut
