"""Init process of one program: ``guard.py SIGNAL GRACE PROGRAM [ARGUMENT...]``.

Runs PROGRAM in a session of its own, as a container's init would, and ends when it has ended. What the program leaves
behind is killed, whatever session it moved to: orphans are handed to the guard, their nearest subreaper.

The guard's standard input is a lifeline, a pipe whose other end only the owner holds. When it closes, or the guard gets
SIGTERM, PROGRAM gets SIGNAL and after GRACE seconds SIGKILL. When the guard itself is killed, the kernel kills PROGRAM.

The first line of standard output is PROGRAM's process id; both outputs of PROGRAM go to the guard's standard error. The
exit code is PROGRAM's, 128 + N when signal N ended it, 127 when it could not be started.

Linux only, standard library only: it is started with ``python -I -S``, once per program, so it must be small.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIFELINE = 0


def main(stop_signal: int, grace: float, argv: list[str]) -> int:
    """Run ``argv`` to its end or the lifeline's, and return the guard's exit code."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(waker)

    guard = os.getpid()

    def die_with_the_guard() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guard:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        process = subprocess.Popen(  # noqa: S603 - running what the owner asks for is the purpose
            argv, stdin=subprocess.DEVNULL, stdout=2, preexec_fn=die_with_the_guard, start_new_session=True
        )
    except OSError as error:
        sys.stderr.write(f"cannot start {argv[0]}: {error}\n")
        return 127
    with contextlib.suppress(BrokenPipeError):  # without an owner there is no lifeline either
        os.write(1, b"%d\n" % process.pid)
    os.dup2(2, 1)

    exit_code = _watch(process.pid, woken, stop_signal, grace)
    _kill_descendants()
    return exit_code


def _watch(program: int, woken: int, stop_signal: int, grace: float) -> int:
    """Wait for ``program`` to end, telling it to when the lifeline closes; its exit code, as a shell would give it."""
    deadline: float | None = None
    while True:
        if (status := _reap().get(program)) is not None:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if deadline is None:
            ready, _, _ = select.select([LIFELINE, woken], [], [])
        else:
            ready, _, _ = select.select([woken], [], [], max(0.0, deadline - time.monotonic()))
        signals = os.read(woken, 512) if woken in ready else b""
        if deadline is None and (LIFELINE in ready or signal.SIGTERM in signals):
            deadline = time.monotonic() + grace
            os.kill(program, stop_signal)
        elif deadline is not None and time.monotonic() >= deadline:
            os.kill(program, signal.SIGKILL)
            deadline = time.monotonic() + grace


def _reap() -> dict[int, int]:
    """Collect every child that has ended: wait status by process id."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            ended[child[0]] = child[1]
    return ended


def _kill_descendants() -> None:
    """Kill generation after generation: the children of what was killed become the guard's own."""
    while children := list(_children(os.getpid())):
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def _children(parent: int) -> Iterator[int]:
    """Process ids whose parent is ``parent``, from ``/proc/PID/stat``: ``PID (NAME) STATE PPID ...``."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]) == parent:
                    yield int(entry.name)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
