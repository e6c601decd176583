"""The worker's side of the sandbox: ask the supervisor for a run, wait for its outcome, end it when cancelled.

Everything a worker executes goes through here: scanners, git, the unpacking of archives. See
``secapi_workers.runner.supervisor`` for how a run is confined and why nothing outlives it.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_workers.runner import supervisor

log = structlog.get_logger(__name__)

GRACE_SECONDS = 3.0
"""Between SIGTERM and SIGKILL."""

OVERDUE_SECONDS = 30.0
"""A supervisor that has not answered so long after its run had to be over is taken for dead."""

OPEN_FILES = 4_096
TASKS_OF_THE_USER = 4_096
"""RLIMIT_NPROC counts the tasks of all processes of the user on the node, so it can only be a backstop against a
program that multiplies faster than the supervisor looks; ``Limits.tasks`` is the limit."""

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ceilings of one run. ``memory_bytes`` (resident) and ``tasks`` (threads) count the whole process tree,
    ``file_bytes`` each file that is written, ``cpu_seconds`` each process."""

    memory_bytes: int = 1_024 * _MIB
    tasks: int = 64
    file_bytes: int = 128 * _MIB
    cpu_seconds: int = 3_600

    def rlimits(self) -> dict[str, tuple[int, int]]:
        """The part that the kernel enforces, soft and hard."""
        return {
            "RLIMIT_CORE": (0, 0),
            "RLIMIT_CPU": (self.cpu_seconds, self.cpu_seconds + 5),
            # Runtimes that reserve memory they never touch must live, so this only stops what outruns the supervisor.
            "RLIMIT_DATA": (2 * self.memory_bytes, 2 * self.memory_bytes),
            "RLIMIT_FSIZE": (self.file_bytes, self.file_bytes),
            "RLIMIT_NOFILE": (OPEN_FILES, OPEN_FILES),
            "RLIMIT_NPROC": (TASKS_OF_THE_USER, TASKS_OF_THE_USER),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run. ``environment`` is the whole environment; ``stdout`` and ``stderr`` are files to be made."""

    argv: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    stdout: Path
    stderr: Path
    seconds: float
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. ``code`` is the exit status, negative for a signal; ``stopped`` says which limit ended it.

    ``peak_memory`` counts bytes; ``killed`` the processes that were still there when the program had ended.
    """

    code: int
    stopped: str | None
    seconds: float
    cpu_seconds: float
    peak_memory: int
    killed: int


class Sandbox:
    """One supervisor and the socket to it. One run at a time; made and used in one worker process."""

    def __init__(self) -> None:
        """Start the supervisor; it is ready some milliseconds later."""
        # Should the supervisor be killed, its orphans come here instead of to init. Then whatever child this process
        # has that was not there before is one of them.
        supervisor.become_subreaper()
        self._not_ours = {process.pid for process in supervisor.descendants()}
        self._start()

    def _start(self) -> None:
        self._connection, theirs = socket.socketpair()
        self._connection.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", supervisor.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # Scanners run as the same user and can read it.
                env=dict[str, str](),
                cwd="/",
                start_new_session=True,
            )

    async def run(self, program: Program) -> Outcome:
        """Run ``program``; when this returns or raises, nothing of it is left.

        Cancelling ends the program: SIGTERM, then SIGKILL. Raises JobFailed: ToolMissing if it cannot be executed,
        InternalError if the supervisor died.
        """
        answer = asyncio.create_task(self._ask(program))
        try:
            line = await asyncio.shield(answer)
        except asyncio.CancelledError:
            await self._stop(answer)
            raise
        if not line:
            self._replace()
            raise JobFailed(FailureReason.INTERNAL_ERROR, "the process that supervises the scanner died")
        fields = json.loads(line)
        if error := fields.get("error"):
            raise JobFailed(FailureReason.TOOL_MISSING, f"{program.argv[0]} cannot be executed: {error}")
        return Outcome(**fields)

    async def _ask(self, program: Program) -> bytes:
        """The supervisor's answer, empty if there will be none."""
        loop = asyncio.get_running_loop()
        answer = b""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(program.seconds + GRACE_SECONDS + OVERDUE_SECONDS):
                await loop.sock_sendall(self._connection, _request(program))
                while not answer.endswith(b"\n"):
                    chunk = await loop.sock_recv(self._connection, 65_536)
                    if not chunk:
                        return b""
                    answer += chunk
                return answer
        return b""

    async def _stop(self, answer: asyncio.Task[bytes]) -> None:
        """Have the running program ended and wait for it; cancelled once more, end it the hard way."""
        with contextlib.suppress(OSError):
            self._connection.send(supervisor.STOP + b"\n")
        try:
            await asyncio.wait({answer}, timeout=GRACE_SECONDS + supervisor.GIVE_UP_SECONDS)
        finally:
            if not answer.done() or not answer.result():
                answer.cancel()
                self._replace()

    def _replace(self) -> None:
        """End the supervisor and all that is or was below it, and start another."""
        log.warning("supervisor replaced", pid=self._process.pid)
        self._connection.close()
        supervisor.kill_descendants(spare=self._not_ours)
        self._process.wait()
        for orphan in supervisor.ended_children() - self._not_ours:
            os.waitpid(orphan, 0)
        self._start()

    def close(self) -> None:
        """End the supervisor, and with it whatever runs."""
        self._connection.close()
        try:
            self._process.wait(supervisor.GIVE_UP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _request(program: Program) -> bytes:
    request = {
        "argv": list(program.argv),
        "cwd": str(program.directory),
        "env": dict(program.environment),
        "stdout": str(program.stdout),
        "stderr": str(program.stderr),
        "seconds": program.seconds,
        "grace": GRACE_SECONDS,
        "memory": program.limits.memory_bytes,
        "tasks": program.limits.tasks,
        "rlimits": program.limits.rlimits(),
    }
    return json.dumps(request).encode() + b"\n"
