"""Runs hostile programs, one at a time, and lets nothing they start outlive their run.

A process of its own between a worker and its scanners, started once per worker process (``python -I -S``, no
environment) because starting Python for every scan would cost more than most scans. Its standard input is a socket to
the worker: one JSON line asks for a run, any further line ends it early, one JSON line answers when it is over.

Why nothing escapes:

- Orphans of the scanner, also those that moved to a session of their own, are handed to their nearest *subreaper*,
  which is this process; so "all that is left" is "all my descendants", and a run is over when there are none.
- The socket closes when the worker dies for whatever reason, SIGKILL included; then everything is killed at once.
- When this process itself is killed, the kernel kills the scanner, and the worker, a subreaper too, does the rest.

Limits that the kernel knows are rlimits. Memory and number of tasks of the whole tree are watched, several times a
second: rlimits count them per process or per user, and not at all for root.

Linux only, standard library only.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

WATCH_SECONDS = 0.25
GIVE_UP_SECONDS = 10.0
"""A process in uninterruptible sleep ignores even SIGKILL until it wakes; no use in waiting longer for it."""

# Why a run was ended before its time.
ABANDONED, REQUESTED, TIMEOUT, MEMORY, TASKS, OUTPUT = "abandoned", "requested", "timeout", "memory", "tasks", "output"
STOP = b"stop"

_PAGE = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True)


class Process(NamedTuple):
    """One process as ``/proc/PID/stat`` shows it; ``resident`` counts bytes, ``tasks`` threads.

    ``ended`` processes only wait to be reaped.
    """

    pid: int
    parent: int
    ended: bool
    tasks: int
    resident: int


def become_subreaper() -> None:
    """Make this process the parent of its descendants' orphans."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(spare: Set[int] = frozenset()) -> list[Process]:
    """Every process below this one that has not ended, except the children ``spare`` and what is below them."""
    children: dict[int, list[Process]] = {}
    for process in _processes():
        if not process.ended:
            children.setdefault(process.parent, []).append(process)
    found = []
    generation = [child for child in children.get(os.getpid(), []) if child.pid not in spare]
    while generation:
        found += generation
        generation = [child for parent in generation for child in children.get(parent.pid, [])]
    return found


def ended_children() -> set[int]:
    """Children of this process that wait to be reaped."""
    return {process.pid for process in _processes() if process.ended and process.parent == os.getpid()}


def _processes() -> Iterator[Process]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 - iterdir makes a Path each, this runs four times a second
        if entry.isdigit():
            with suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123 - as above
                # PID (NAME) STATE PPID ...; the name may hold anything, spaces and brackets too.
                state, parent, *fields = file.read().rpartition(b")")[2].split()
                yield Process(int(entry), int(parent), state in b"ZX", int(fields[15]), int(fields[19]) * _PAGE)


def _proportional(process: Process) -> int:
    """Resident bytes of a process with shared pages divided among those that share them."""
    with suppress(OSError), open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 - as above
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:"))
    return process.resident


def reap(ended: "Ended | None" = None) -> bool:
    """Collect every child that has ended, telling ``ended`` of each; whether there are no children left."""
    with suppress(ChildProcessError):
        while (result := os.wait4(-1, os.WNOHANG))[0]:
            if ended is not None:
                ended(*result)
        return False
    return True


Ended = Callable[[int, int, resource.struct_rusage], None]
"""Is told a process id, its wait status and what it used."""


def kill_descendants(spare: Set[int] = frozenset()) -> int:
    """End everything below this process at once, except ``spare``; how many it killed, all left to be reaped.

    All are stopped before the first is killed: a stopped process cannot fork, so even a fork bomb runs dry.
    """
    seen: set[int] = set()
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while (living := {process.pid for process in descendants(spare)}) and time.monotonic() < deadline:
        new = living - seen
        seen |= new
        for pid in new or living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if new else signal.SIGKILL)
        if not new:
            time.sleep(0.002)
    return len(seen)


class Control:
    """The lines that the worker sends."""

    def __init__(self, connection: socket.socket) -> None:
        """Read from ``connection``."""
        self.connection = connection
        self._buffer = b""

    def line(self) -> bytes | None:
        """The next line, waiting for it; ``None`` when the worker is gone."""
        while b"\n" not in self._buffer:
            chunk = self.connection.recv(65_536)
            if not chunk:
                return None
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


def serve(control: Control) -> None:
    """Answer requests until the worker is gone."""
    while (line := control.line()) is not None:
        if line == STOP:  # The run that it meant was over already.
            continue
        answer = _Run(json.loads(line), control).execute()
        if answer is None:
            return
        control.connection.sendall(json.dumps(answer).encode() + b"\n")


class _Run:
    """One program from its start to the end of its last descendant."""

    def __init__(self, request: dict[str, Any], control: Control) -> None:
        self.request = request
        self.control = control
        self.supervisor = os.getpid()
        self.started = time.monotonic()
        self.stopped: str | None = None
        self.peak = 0
        self.pid = 0
        self.code: int | None = None

    def execute(self) -> dict[str, Any] | None:
        """What the run came to; ``None`` when the worker died meanwhile."""
        cpu_before = _cpu_seconds()
        try:
            process = self._start()
        except OSError as error:
            return {"error": error.strerror}
        self.pid = process.pid
        self._watch()
        if self.stopped == ABANDONED:
            kill_descendants()
            return None
        # What exceeds its limits is not asked to end; it may be able to do much in the meantime.
        if self.stopped in (REQUESTED, TIMEOUT):
            self._terminate()
        killed = 0 if reap(self._ended) else kill_descendants()
        reap(self._ended)
        # Popen must not wait for a process that has been reaped.
        process.returncode = self.code = -signal.SIGKILL if self.code is None else self.code
        return {
            "code": self.code,
            "stopped": self.stopped,
            "seconds": time.monotonic() - self.started,
            "cpu_seconds": _cpu_seconds() - cpu_before,
            "peak_memory": self.peak,
            "killed": killed,
        }

    def _start(self) -> "subprocess.Popen[bytes]":
        request = self.request
        with open(request["stdout"], "wb") as stdout, open(request["stderr"], "wb") as stderr:  # noqa: PTH123 - no Path
            return subprocess.Popen(  # noqa: S603 - running what the worker asks for is the purpose
                request["argv"],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=request["cwd"],
                env=request["env"],
                umask=0o077,
                start_new_session=True,
                # There is one thread here, so the usual warning about running Python after a fork does not apply.
                preexec_fn=self._confine,
            )

    def _confine(self) -> None:
        """In the child, before it becomes the program."""
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.supervisor:
            os._exit(1)
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        for name, limits in self.request["rlimits"].items():
            kind = getattr(resource, name)
            ceiling = resource.getrlimit(kind)[1]
            soft, hard = (n if ceiling == resource.RLIM_INFINITY else min(n, ceiling) for n in limits)
            resource.setrlimit(kind, (soft, hard))
        # If the machine or container runs out of memory, the scanner goes before the worker.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")

    def _watch(self) -> None:
        """Return when the program has ended, or with ``stopped`` set when it has to."""
        handle = os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.register(self.control.connection, select.POLLIN)
            deadline = self.started + self.request["seconds"]
            while self.stopped is None:
                wait = min(WATCH_SECONDS, deadline - time.monotonic())
                ready = {descriptor for descriptor, _ in poll.poll(max(0.0, wait) * 1000)}
                if handle in ready:
                    return
                if ready:
                    self.stopped = ABANDONED if self.control.line() is None else REQUESTED
                elif time.monotonic() >= deadline:
                    self.stopped = TIMEOUT
                else:
                    self.stopped = self._excess()
        finally:
            os.close(handle)

    def _excess(self) -> str | None:
        """Which of the watched limits is exceeded, if any."""
        reap(self._ended)
        tree = descendants()
        if sum(process.tasks for process in tree) > self.request["tasks"]:
            return TASKS
        memory = sum(process.resident for process in tree)
        if memory > self.request["memory"]:
            # That counted shared pages once per process; the exact figure is too dear to ask for every time.
            memory = sum(_proportional(process) for process in tree)
        self.peak = max(self.peak, memory)
        if memory > self.request["memory"]:
            return MEMORY
        # The kernel refuses to write beyond the limit, but a program may go on trying.
        full, _ = self.request["rlimits"]["RLIMIT_FSIZE"]
        if any(Path(self.request[stream]).stat().st_size >= full for stream in ("stdout", "stderr")):
            return OUTPUT
        return None

    def _terminate(self) -> None:
        """Ask the whole tree to end, and give it the grace period to do so."""
        for process in descendants():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + self.request["grace"]
        while not reap(self._ended) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _ended(self, pid: int, status: int, usage: resource.struct_rusage) -> None:
        if pid == self.pid:
            self.code = os.waitstatus_to_exitcode(status)
            self.peak = max(self.peak, usage.ru_maxrss * 1024)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    become_subreaper()
    with suppress(BrokenPipeError):
        serve(Control(socket.socket(fileno=sys.stdin.fileno())))
