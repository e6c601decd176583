"""Where the control plane's programs come from; a stand-in for Go builds them in no time."""

import asyncio
import os
import signal
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from running_stack import BIN, eventually
from secapi_dev.controlplane import binaries
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.errors import StackError
from secapi_dev.gobuild import toolchain
from secapi_dev.progress import Progress

PROGRAMS = {"etcd", "kube-apiserver", "kubectl"}

# Understands "go env GOVERSION" and "go build ... -o FILE PACKAGE"; notes every build; FAKE_GO decides what happens.
GO = """
    #!/bin/sh
    if [ "$1" = env ]; then echo "${FAKE_GO_VERSION:-go1.26.3}"; exit; fi
    echo "$*" >>"$FAKE_GO_LOG"
    while [ "$1" != -o ]; do shift; done
    echo "#!/bin/sh" >"$2"
    [ "$FAKE_GO" != slow ] || sleep 300
    [ "$FAKE_GO" != broken ] || { echo "undefined: everything" >&2; exit 1; }
    chmod +x "$2"
"""

Places = Callable[[], set[str]]


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Put the stand-in first in PATH and an empty cache beside it; returns the packages built so far."""
    program = tmp_path / "bin" / "go"
    program.parent.mkdir()
    program.write_text(textwrap.dedent(GO).lstrip())
    program.chmod(0o755)
    log = tmp_path / "builds"
    log.touch()
    monkeypatch.delenv(binaries.ASSETS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_GO_LOG", str(log))
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return lambda: [line.split()[-1] for line in log.read_text().splitlines()]


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(quiet=True))


def cached() -> set[str]:
    return {path.name for path in binaries.MODULE.cache().iterdir() if not path.name.startswith(".")}


async def test_what_is_missing_is_built_into_the_cache_and_found_there_from_then_on(
    go: Callable[[], list[str]], progress: Progress
) -> None:
    built = await find_or_build(progress)
    assert not built.missing
    assert cached() == PROGRAMS
    assert len(go()) == 3
    assert await find_or_build(progress) == built
    assert len(go()) == 3


async def test_an_interrupted_build_goes_on_where_it_was(go: Callable[[], list[str]], progress: Progress) -> None:
    await find_or_build(progress)
    (binaries.MODULE.cache() / "kubectl").unlink()
    await find_or_build(progress)
    assert go()[3:] == ["k8s.io/kubernetes/cmd/kubectl"]


async def test_two_builders_at_once_build_everything_once(go: Callable[[], list[str]], progress: Progress) -> None:
    await asyncio.gather(find_or_build(progress), find_or_build(progress))
    assert len(go()) == 3


async def test_a_killed_build_leaves_no_compiler_and_nothing_that_looks_finished(
    go: Callable[[], list[str]],
) -> None:
    builder = await asyncio.create_subprocess_exec(
        BIN / "secapi-dev", "controlplane", env=os.environ | {"FAKE_GO": "slow"}
    )

    async def building() -> bool:
        return bool(go())

    await eventually(building, within=20, what="the build has begun")
    builder.send_signal(signal.SIGKILL)
    await builder.wait()

    async def compiler_gone() -> bool:
        return not subprocess_with("etcd.part")

    await eventually(compiler_gone, within=10, what="the compiler is gone")
    assert binaries.find() is None


def subprocess_with(argument: str) -> list[str]:
    listing = subprocess.check_output(["ps", "-eo", "args"], text=True)
    return [line for line in listing.splitlines() if argument in line]


async def test_a_compiler_error_is_shown_and_nothing_is_cached(
    go: Callable[[], list[str]], progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO", "broken")
    with pytest.raises(StackError, match=r"(?s)build-etcd ended with exit code 1.*undefined: everything"):
        await find_or_build(progress)
    assert not cached() & PROGRAMS


async def test_an_older_go_is_not_used(
    go: Callable[[], list[str]], progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.25.9")
    home = Path(os.environ["XDG_CACHE_HOME"]) / "secapi" / "go" / toolchain.home_name()
    wheel = home / "lib" / "python3.11" / "site-packages" / "go" / "bin" / "go"
    wheel.parent.mkdir(parents=True)
    wheel.write_text("#!/bin/sh\nexit 42\n")
    wheel.chmod(0o755)
    with pytest.raises(StackError, match="exit code 42"):
        await find_or_build(progress)


async def test_given_programs_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
    for name in PROGRAMS:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv(binaries.ASSETS_VARIABLE, str(tmp_path))
    assert (await find_or_build(progress)).etcd == tmp_path / "etcd"


async def test_a_missing_given_program_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: Progress
) -> None:
    (tmp_path / "etcd").touch(mode=0o755)
    monkeypatch.setenv(binaries.ASSETS_VARIABLE, str(tmp_path))
    with pytest.raises(StackError, match="has no executable kube-apiserver, kubectl"):
        await find_or_build(progress)


async def test_a_long_step_shows_itself_in_plain_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("secapi_dev.progress.LINE_SECONDS", 0.01)
    async with Progress(Console(stderr=True)).during("building etcd"):
        await asyncio.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "building etcd: 0 s"
    assert lines[-1] == "building etcd: done in 0 s"
