"""An operator that starts while 20,000 scans are running: how long until it works as usual, and what it holds then."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from secapi_core.crds.scanrequest import ScanRequest
from secapi_dev import backends
from secapi_dev.backends import Backends
from secapi_dev.bench import live_scans, load
from secapi_dev.bench.laboratory import Figures
from secapi_dev.bench.memory import MEGABYTE, sizes
from secapi_dev.components import Components, Surroundings, secapi_components
from secapi_dev.errors import StackError
from secapi_dev.ports import Ports
from secapi_dev.processes.program import start
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.processes.supervision import Restart, supervisor
from secapi_dev.progress import Progress

SCANS = 20_000
DEADLINE = 120.0
GIVEN = ("KUBECONFIG", "SECAPI_DATABASE_URL", "SECAPI_REDIS_URL")

CALM_SHARE = 0.05
"""Of a processor, for three seconds: then what came with the start is done."""

_LEADS = re.compile(rb"^secapi_operator_leader 1\.0$", re.MULTILINE)
_SWEPT = re.compile(rb'^secapi_loop_last_success_timestamp_seconds\{loop="sweep"\}', re.MULTILINE)
_WROTE = re.compile(rb'^secapi_kubernetes_writes_total\{[^}]*kind="' + ScanRequest.KIND.encode(), re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Servers without any component, and how an operator is started on them."""

    state: StateDirectory
    backends: Backends
    components: Components


@asynccontextmanager
async def servers(progress: Progress) -> AsyncIterator[Servers]:
    """Start servers of our own; refuses given ones, which would be left with 20,000 objects that nobody wants."""
    if given := [name for name in GIVEN if os.environ.get(name)]:
        raise StackError(f"the operator is measured on embedded servers only; unset {', '.join(given)}")

    def on_end(restart: Restart) -> None:
        progress.say(f"{restart.name} ended with exit code {restart.exit_code}; next start in {restart.pause:g} s")

    async with temporary_state() as state:
        with closing(Ports()) as ports:
            async with supervisor(state, on_end, lambda: None) as running:
                around = await backends.start(backends.Launch(running, state, ports), progress)
                components = secapi_components(Surroundings(around, state.path), ports, workers=0)
                yield Servers(state=state, backends=around, components=components)


async def measure(servers: Servers) -> Figures:
    """Seconds from the process's start, and its megabytes once it is calm."""
    around, described = servers.backends, servers.components
    began = time.perf_counter()
    await live_scans.create(around.kubeconfig, around.database_url, SCANS)
    creating = time.perf_counter() - began

    began = time.perf_counter()
    program = await start(described.operator, servers.state)
    try:
        await program.until_ready(described.operator.ready, DEADLINE)
        ready = time.perf_counter() - began
        await _until_swept(described.operator_url)
        steady = time.perf_counter() - began
        await _until_calm(psutil.Process(program.pid))
        return {
            "live_scans": SCANS,
            "creating_seconds": round(creating, 1),
            "ready_seconds": round(ready, 1),
            "steady_seconds": round(steady, 1),
            **sizes(psutil.Process(program.pid)),
            "peak_rss_mb": _peak_megabytes(program.pid),
        }
    finally:
        await program.stop()


async def _until_swept(url: str) -> None:
    """Wait until the operator leads and has compared every scan with the ledger; it must have found nothing to do."""
    async with asyncio.timeout(DEADLINE), load.connected(url) as [connection]:
        while True:
            metrics = await connection.get("/metrics")
            if _WROTE.search(metrics):
                raise StackError("the operator wrote to scans that should not have needed it")
            if _LEADS.search(metrics) and _SWEPT.search(metrics):
                return
            await asyncio.sleep(0.1)


async def _until_calm(process: psutil.Process) -> None:
    process.cpu_percent()
    calm = 0
    async with asyncio.timeout(DEADLINE):
        while calm < 3:
            await asyncio.sleep(1.0)
            calm = calm + 1 if process.cpu_percent() < CALM_SHARE * 100 else 0


def _peak_megabytes(pid: int) -> float:
    """The most that was ever resident."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return round(int(status["VmHWM"].split()[0]) * 1024 / MEGABYTE, 1)
