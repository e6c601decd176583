"""Start one program below its guard, wait for it, stop it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from secapi_dev.errors import StackError
from secapi_dev.processes import guard
from secapi_dev.processes.state import StateDirectory

LOG_TAIL_LINES = 15
POLL_SECONDS = 0.1

ReadyCheck = Callable[[], Awaitable[bool]]


def base_environment() -> dict[str, str]:
    """Give this process's environment without credentials that a program could use by accident."""
    return {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program to run.

    ``name`` names the log file and is unique in a stack. ``env`` is the whole environment, nothing is added to it. To
    end it before its time, it gets ``stop_signal`` and SIGKILL after ``grace`` seconds.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=base_environment)
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 6.0


@dataclass(frozen=True, kw_only=True)
class Component(Command):
    """A program that runs as long as the stack, and how to tell that it works.

    ``ready`` may be asked at any time and says no instead of raising.
    """

    ready: ReadyCheck
    start_timeout: float = 60.0


class Program:
    """A running program. Made by :func:`start`."""

    def __init__(self, command: Command, pid: int, process: asyncio.subprocess.Process, log: Path) -> None:
        """Take over ``process``, the guard of the program ``pid``."""
        self.command = command
        self.pid = pid
        self._guard = process
        self._log = log

    async def wait(self) -> int:
        """Wait for the end of the program and of everything it started; its exit code, 128 + N for signal N."""
        return await self._guard.wait()

    async def stop(self) -> None:
        """End the program and everything it started; takes ``grace`` seconds at most. Does nothing the second time."""
        _cut_lifeline(self._guard)
        await self._guard.wait()

    async def until_ready(self, ready: ReadyCheck, timeout_seconds: float) -> None:
        """Wait until ``ready`` says yes; ``StackError`` with the log's end when the program died or took too long."""
        ended = asyncio.create_task(self.wait())
        try:
            async with asyncio.timeout(timeout_seconds):
                while not await ready():
                    if ended.done():
                        raise self.failed(f"ended with exit code {ended.result()}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise self.failed(f"is not ready after {timeout_seconds:g} s") from None
        finally:
            ended.cancel()

    def failed(self, what: str) -> StackError:
        """Make the error that says ``what`` the program did and shows the end of its log."""
        return _error(self.command, what, self._log)


async def start(command: Command, state: StateDirectory) -> Program:
    """Start ``command``; it ends with this process. Raises ``StackError`` when the program cannot be executed."""
    log = state.logs / f"{command.name}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__, str(command.stop_signal.value), str(command.grace)),
            *command.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            env=command.env,
            start_new_session=True,
            pass_fds=[state.lock],
        )
    try:
        pid = await process.stdout.readline() if process.stdout else b""
        if not pid:
            await process.wait()
            raise _error(command, "did not start", log)
        return Program(command, int(pid), process, log)
    except BaseException:
        _cut_lifeline(process)
        raise


def _cut_lifeline(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _error(command: Command, what: str, log: Path) -> StackError:
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    return StackError("\n".join([f"{command.name} {what}; the end of {log}:", *lines]))


async def run(command: Command, state: StateDirectory) -> None:
    """Run ``command`` to its end; ``StackError`` with the log's end unless it succeeds."""
    program = await start(command, state)
    try:
        if exit_code := await program.wait():
            raise program.failed(f"ended with exit code {exit_code}")
    finally:
        await program.stop()


@contextlib.asynccontextmanager
async def running(component: Component, state: StateDirectory) -> AsyncIterator[Program]:
    """Start a component, wait until it is ready, stop it afterwards."""
    program = await start(component, state)
    try:
        await program.until_ready(component.ready, component.start_timeout)
        yield program
    finally:
        await program.stop()
