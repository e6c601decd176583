"""Programs below their guards: nothing they start outlives them, and nothing outlives the owner."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from running_stack import eventually
from secapi_dev.errors import StackError
from secapi_dev.processes.program import Command, run, start
from secapi_dev.processes.state import StateDirectory, kept_state, temporary_state

# A program with a child in another session, which has a child in yet another one. All sleep to be there when they are
# killed; nobody waits for their end, which comes by itself should a test leave them behind.
FAMILY = """
import subprocess, sys, time
child = "import subprocess, sys, time; subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(300)"
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
time.sleep(300)
"""
# Sleeps to be there when it is told to end, and does not listen.
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)"
)


@pytest.fixture
async def state() -> AsyncIterator[StateDirectory]:
    async with temporary_state() as state:
        yield state


def python(name: str, code: str, grace: float = 6.0) -> Command:
    return Command(name=name, argv=[sys.executable, "-c", code], grace=grace)


async def family_of(pid: int, size: int) -> list[psutil.Process]:
    """The process and its descendants, once there are ``size`` of them."""

    async def family() -> list[psutil.Process] | None:
        members = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return members if len(members) >= size else None

    members: list[psutil.Process] = await eventually(family, within=10, what=f"a family of {size}", every=0.02)
    return members


async def all_gone(processes: list[psutil.Process], seconds: float = 10) -> bool:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=seconds)
    return not alive


async def test_a_failing_command_is_an_error_with_the_end_of_its_log(state: StateDirectory) -> None:
    with pytest.raises(StackError, match=r"(?s)fails ended with exit code 3.*the reason"):
        await run(python("fails", "print('the reason'); raise SystemExit(3)"), state)


async def test_a_program_ended_by_a_signal_has_the_exit_code_that_a_shell_would_give(state: StateDirectory) -> None:
    program = await start(python("dies", "import os; os.kill(os.getpid(), 9)"), state)
    assert await program.wait() == 128 + signal.SIGKILL


async def test_a_program_that_does_not_exist_is_an_error_that_names_it(state: StateDirectory) -> None:
    with pytest.raises(StackError, match=r"(?s)nothing did not start.*/no/such/program"):
        await start(Command(name="nothing", argv=["/no/such/program"]), state)


async def test_stopping_a_program_ends_its_descendants_in_whatever_session_they_are(state: StateDirectory) -> None:
    program = await start(python("family", FAMILY), state)
    family = await family_of(program.pid, 3)
    await program.stop()
    assert await all_gone(family, seconds=0)


async def test_a_program_that_dies_takes_its_descendants_with_it(state: StateDirectory) -> None:
    program = await start(python("family", FAMILY), state)
    family = await family_of(program.pid, 3)
    family[0].kill()
    await program.wait()
    assert await all_gone(family, seconds=0)


async def test_a_program_that_ignores_its_signal_is_killed_when_its_grace_is_over(state: StateDirectory) -> None:
    program = await start(python("stubborn", STUBBORN, grace=0.3), state)

    async def deaf() -> bool:
        return "deaf" in (state.logs / "stubborn.log").read_text()

    await eventually(deaf, within=10, what="the signal is ignored", every=0.02)
    began = time.monotonic()
    await program.stop()
    assert await program.wait() == 128 + signal.SIGKILL
    assert time.monotonic() - began < 2


async def test_killing_the_guard_kills_the_program(state: StateDirectory) -> None:
    # It sleeps to be there when its guard dies.
    program = await start(python("waits", "import time; time.sleep(300)"), state)
    process = psutil.Process(program.pid)
    process.parent().kill()  # type: ignore[union-attr] # the guard is there: it just told the pid
    assert await all_gone([process])


async def test_killing_the_owner_leaves_no_process_and_no_temporary_directory(tmp_path: Path) -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, FAMILY, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    directory, pid = (await owner.stdout.readline()).decode().split()
    family = await family_of(int(pid), 3)
    guards = psutil.Process(owner.pid).children()
    owner.kill()
    await owner.wait()
    assert await all_gone(family + guards)
    assert Path(directory).name not in names_below(Path(directory).parent)


OWNER = """
import asyncio, sys
from secapi_dev.processes.program import Command, start
from secapi_dev.processes.state import temporary_state

async def main():
    async with temporary_state() as state:
        program = await start(Command(name="family", argv=[sys.executable, "-c", sys.argv[1]]), state)
        print(state.path, program.pid, flush=True)
        await program.wait()

asyncio.run(main())
"""


async def test_a_state_directory_has_one_user_at_a_time(tmp_path: Path) -> None:
    async with kept_state(tmp_path, remove=[]):
        with pytest.raises(StackError, match="in use by another stack"):
            async with kept_state(tmp_path, remove=[]):
                pass
    async with kept_state(tmp_path, remove=[]):
        pass


async def test_a_kept_state_directory_loses_only_what_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("of a stack that was killed together with its janitor")
    async with kept_state(tmp_path, remove=["stack.json"]) as state:
        assert not (tmp_path / "stack.json").exists()
        (state.path / "stack.json").touch()
        (state.path / "data").touch()
    assert names_below(tmp_path) == {".lock", "data", "logs"}


def names_below(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}
