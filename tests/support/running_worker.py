"""A real ``secapi-worker``: the console script in a process of its own, reached by signals, broker and HTTP only."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import psutil

from planned_scans import install_noop, noop_processes
from secapi_core.messages import RUN_JOB, Priority, queue_name
from secapi_operator.broker import celery_app

StartWorker = Callable[..., AbstractAsyncContextManager["RunningWorker"]]
"""Starts a worker with settings by keyword; positional arguments are put before its command."""

PROGRAM = Path(sys.executable).parent / "secapi-worker"


@dataclass(frozen=True)
class RunningWorker:
    """The parent process, where it keeps its files, and where it serves its probes."""

    process: "subprocess.Popen[bytes]"
    directory: Path
    url: str

    def get(self, path: str) -> str:
        """What one of the probes says, empty as long as nobody answers."""
        try:
            return httpx.get(f"{self.url}{path}", timeout=10, trust_env=False).text
        except httpx.TransportError:
            return ""

    def metric(self, sample: str) -> float:
        """The value of one sample, written as in the exposition; 0 if it is not there."""
        for line in self.get("/metrics").splitlines():
            if line.rpartition(" ")[0] == sample:
                return float(line.rpartition(" ")[2])
        return 0.0

    def succeeded(self) -> float:
        """How many jobs of the no-op scanner it counts as succeeded."""
        return self.metric('secapi_worker_attempts_total{outcome="succeeded",pool="code",reason="",scanner="noop"}')

    def is_ready(self) -> bool:
        """Whether ``/readyz`` says so."""
        return self.get("/readyz") == "ok\n"

    def processes(self) -> list[psutil.Process]:
        """Everything below the parent."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def pool(self) -> list[psutil.Process]:
        """The processes that run jobs."""
        return psutil.Process(self.process.pid).children()

    def supervisors(self) -> list[psutil.Process]:
        """The processes between the pool and its scanners."""
        return [process for member in self.pool() for process in member.children()]

    def scanners(self) -> list[psutil.Process]:
        """No-op scanners that run, with their children."""
        return noop_processes(self.process.pid)

    def log(self) -> str:
        """What it has logged."""
        return (self.directory / "log").read_text(errors="replace")


@asynccontextmanager
async def running_worker(
    directory: Path, port: int, *launcher: str, database_url: str, redis_url: str, **environment: str
) -> AsyncIterator[RunningWorker]:
    """Start a worker with short leases; afterwards, no process and no file of its may be left.

    With a ``launcher`` in front of its command, ``process`` is the launcher.
    """
    tools = directory / "tools"
    if not tools.exists():
        install_noop(tools)
    settings = {
        "SECAPI_DATABASE_URL": database_url,
        "SECAPI_REDIS_URL": redis_url,
        "SECAPI_ARTIFACT_URL": "memory:///",
        "SECAPI_WORKER_METRICS_PORT": str(port),
        "SECAPI_TOOLS_DIR": str(tools),
        "SECAPI_WORKDIR": str(directory / "work"),
        "SECAPI_LEASE_SECONDS": "3",
        "SECAPI_HEARTBEAT_SECONDS": "0.3",
        "SECAPI_DRAIN_SECONDS": "20",
    }
    process = _start([*launcher, str(PROGRAM)], os.environ | settings | environment, directory / "log")
    worker = RunningWorker(process, directory, f"http://127.0.0.1:{port}")
    try:
        yield worker
        family = worker.processes() if process.poll() is None else []
        # A launcher may have inherited that SIGQUIT is ignored, as everything behind a shell's "&" does.
        process.send_signal(signal.SIGKILL if launcher else signal.SIGQUIT)
        # In a thread: what the worker talks to may be a proxy in this event loop.
        await asyncio.to_thread(process.wait, 20)
    finally:
        process.kill()
        process.wait()
    assert psutil.wait_procs(family, timeout=5)[1] == []
    if process.returncode >= 0:
        assert list((directory / "work").glob("process-*")) == []


def _start(command: list[str], environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


def announce(redis_url: str, *job_ids: UUID, pool: str = "code", priority: Priority = Priority.NORMAL) -> None:
    """Put one message for each job in its queue, as the operator does."""
    app = celery_app(redis_url)
    for job_id in job_ids:
        app.send_task(RUN_JOB, args=[str(job_id)], queue=queue_name(pool, priority), task_id=str(job_id))
    app.close()
