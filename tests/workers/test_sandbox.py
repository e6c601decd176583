"""The sandbox with real, hostile programs: whatever they do ends, leaves nothing, and the outcome says what it was.

A whole supervisor and its worker are also run as a process of their own, to be killed.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_workers.runner import sandbox as sandbox_module
from secapi_workers.runner.sandbox import Limits, Outcome, Program, Sandbox

MIB = 1024 * 1024
Run = Callable[..., "asyncio.Task[Outcome]"]

DOUBLE_FORK = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    middle = os.getpid()
    if os.fork() == 0:
        while os.getppid() == middle:  # whoever looks shall find the one that adopts orphans
            time.sleep(0.001)
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(300)
    os._exit(0)
os.wait()
while not os.path.exists(sys.argv[1]) or not open(sys.argv[1]).read():
    time.sleep(0.01)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Run:
    """Start a program of which only what matters to the test is given."""

    def start(*argv: str, seconds: float = 20.0, limits: Limits | None = None) -> "asyncio.Task[Outcome]":
        program = Program(
            argv=argv,
            directory=tmp_path,
            environment={"PATH": "/usr/bin:/bin", "MARK": "seen"},
            stdout=tmp_path / "stdout",
            stderr=tmp_path / "stderr",
            seconds=seconds,
            limits=limits or Limits(),
        )
        return asyncio.create_task(sandbox.run(program))

    return start


def written(path: Path) -> int:
    """The process id that a program wrote to ``path``, 0 as long as it has not."""
    return int((path.exists() and path.read_text()) or 0)


async def alive(path: Path) -> int:
    """The process id that a program writes to ``path``, once it has."""
    deadline = time.monotonic() + 10
    while not (pid := written(path)):
        assert time.monotonic() < deadline, f"nothing wrote {path}"
        await asyncio.sleep(0.01)
    return pid


async def gone(pid: int, within: float = 5.0) -> None:
    deadline = time.monotonic() + within
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, f"process {pid} is still there"
        await asyncio.sleep(0.02)


async def test_a_program_that_ends_gives_its_exit_status_and_its_output(run: Run, tmp_path: Path) -> None:
    outcome = await run("sh", "-c", "echo out; echo err >&2; exit 7")
    assert (outcome.code, outcome.stopped, outcome.killed) == (7, None, 0)
    assert (tmp_path / "stdout").read_text() == "out\n"
    assert (tmp_path / "stderr").read_text() == "err\n"


async def test_a_program_sees_only_the_environment_it_is_given(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECAPI_DATABASE_URL", "postgresql://secret")
    await run("env")
    variables = dict(line.split("=", 1) for line in (tmp_path / "stdout").read_text().splitlines())
    assert variables.pop("PWD", None) in (None, str(tmp_path))
    assert variables == {"PATH": "/usr/bin:/bin", "MARK": "seen"}


async def test_the_supervisor_has_no_environment_that_a_scanner_could_read(run: Run, tmp_path: Path) -> None:
    await run("sh", "-c", "cat /proc/$PPID/environ")
    assert (tmp_path / "stdout").read_bytes() == b""


async def test_a_program_has_its_own_session_no_open_files_and_no_way_to_more_privileges(
    run: Run, tmp_path: Path
) -> None:
    script = "import os; print(os.getsid(0) == os.getpid(), os.listdir('/proc/self/fd'), oct(os.umask(0)))"
    await run(sys.executable, "-I", "-S", "-c", script)
    # The fourth descriptor is the directory being listed.
    assert (tmp_path / "stdout").read_text() == "True ['0', '1', '2', '3'] 0o77\n"
    await run("grep", "NoNewPrivs", "/proc/self/status")
    assert (tmp_path / "stdout").read_text().split() == ["NoNewPrivs:", "1"]


async def test_a_program_that_is_not_there_is_a_missing_tool(run: Run) -> None:
    with pytest.raises(JobFailed) as failed:
        await run("no-such-scanner")
    assert failed.value.failure.reason is FailureReason.TOOL_MISSING
    assert "no-such-scanner" in failed.value.failure.message


async def test_a_program_that_hangs_is_ended_when_its_time_is_up(run: Run) -> None:
    started = time.monotonic()
    outcome = await run("sleep", "300", seconds=0.3)
    assert outcome.stopped == "timeout"
    assert time.monotonic() - started < 3


async def test_a_program_that_ignores_termination_is_killed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_module, "GRACE_SECONDS", 0.3)
    outcome = await run("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done", seconds=0.3)
    assert outcome.stopped == "timeout"
    assert outcome.code == -signal.SIGKILL
    assert outcome.killed >= 1


async def test_output_is_cut_off_at_its_limit(run: Run, tmp_path: Path) -> None:
    outcome = await run("cat", "/dev/zero", limits=Limits(file_bytes=MIB))
    assert outcome.code == -signal.SIGXFSZ
    assert (tmp_path / "stdout").stat().st_size == MIB


async def test_a_program_that_goes_on_after_its_output_is_full_is_ended(run: Run, tmp_path: Path) -> None:
    # Python ignores the signal, so it only sees an error.
    script = "import os\nwhile True:\n try: os.write(2, b'x' * 65536)\n except OSError: pass"
    outcome = await run(sys.executable, "-I", "-S", "-c", script, limits=Limits(file_bytes=MIB))
    assert outcome.stopped == "output"
    assert (tmp_path / "stderr").stat().st_size == MIB


async def test_memory_of_the_whole_tree_counts(run: Run) -> None:
    hog = "import os, time\nos.fork(); os.fork()\nblock = bytearray(60 << 20)\ntime.sleep(60)"
    outcome = await run(sys.executable, "-I", "-S", "-c", hog, limits=Limits(memory_bytes=150 * MIB))
    assert outcome.stopped == "memory"
    assert outcome.peak_memory > 150 * MIB


async def test_memory_that_processes_share_counts_once(run: Run) -> None:
    script = "import os, time\nblock = bytearray(60 << 20)\nos.fork(); os.fork()\ntime.sleep(1)"
    outcome = await run(sys.executable, "-I", "-S", "-c", script, limits=Limits(memory_bytes=150 * MIB))
    assert outcome.stopped is None


async def test_memory_that_is_taken_at_once_is_refused(run: Run, tmp_path: Path) -> None:
    outcome = await run(sys.executable, "-I", "-S", "-c", "bytearray(400 << 20)", limits=Limits(memory_bytes=150 * MIB))
    assert outcome.code == 1
    assert "MemoryError" in (tmp_path / "stderr").read_text()


async def test_a_fork_bomb_is_ended_and_swept_up(run: Run) -> None:
    # Bounded in itself as well: it ends at 512 processes.
    bomb = "import os, time\nfor _ in range(9): os.fork()\ntime.sleep(60)"
    outcome = await run(sys.executable, "-I", "-S", "-c", bomb, limits=Limits(tasks=100))
    assert outcome.stopped == "tasks"
    assert outcome.killed > 100


async def test_what_a_program_leaves_behind_is_killed(run: Run, tmp_path: Path) -> None:
    outcome = await run(sys.executable, "-I", "-S", "-c", DOUBLE_FORK, str(tmp_path / "pid"), "0")
    assert outcome.code == 0
    assert outcome.killed == 1
    await gone(int((tmp_path / "pid").read_text()), within=0)


async def test_cancelling_ends_the_program_and_what_it_hid(run: Run, tmp_path: Path) -> None:
    task = run(sys.executable, "-I", "-S", "-c", DOUBLE_FORK, str(tmp_path / "pid"), "300")
    hidden = await alive(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(hidden, within=0)
    assert (await run("true")).code == 0, "the sandbox is usable afterwards"


async def test_cancelling_twice_does_not_wait_for_the_grace_period(run: Run, tmp_path: Path) -> None:
    task = run("sh", "-c", "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done")
    pid = await alive(tmp_path / "pid")
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 2
    await gone(pid, within=0)
    assert (await run("true")).code == 0


async def test_a_killed_supervisor_fails_the_run_and_takes_everything_with_it(
    run: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    task = run(sys.executable, "-I", "-S", "-c", DOUBLE_FORK, str(tmp_path / "pid"), "300")
    hidden = await alive(tmp_path / "pid")
    supervisor = psutil.Process(hidden).parents()[0]
    supervisor.kill()
    with pytest.raises(JobFailed) as failed:
        await task
    assert failed.value.failure.reason is FailureReason.INTERNAL_ERROR
    await gone(hidden, within=0)
    assert (await run("true")).code == 0


WORKER = f"""
import asyncio, sys
from pathlib import Path
from secapi_workers.runner.sandbox import Program, Sandbox
directory = Path(sys.argv[1])
program = Program(
    argv=[sys.executable, "-I", "-S", "-c", {DOUBLE_FORK!r}, str(directory / "pid"), "300"],
    directory=directory, environment={{}}, stdout=directory / "o", stderr=directory / "e", seconds=300,
)
async def main():
    await Sandbox().run(program)
asyncio.run(main())
"""


def test_when_the_worker_is_killed_so_is_everything_a_scanner_started(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER, tmp_path]) as worker:
        hidden = asyncio.run(alive(tmp_path / "pid"))
        tree = psutil.Process(worker.pid).children(recursive=True)
        assert hidden in {process.pid for process in tree}
        assert os.getsid(hidden) != os.getsid(worker.pid)
        assert len(tree) == 3, "supervisor, scanner and what the scanner hid"
        worker.kill()
    assert psutil.wait_procs(tree, timeout=5)[1] == []


async def test_a_run_costs_little_more_than_the_program(run: Run) -> None:
    await run("true")
    times = []
    for _ in range(20):
        started = time.perf_counter()
        await run("true")
        times.append(time.perf_counter() - started)
    assert sorted(times)[len(times) // 2] < 0.03
