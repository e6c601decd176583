"""``secapi-dev bench``."""

import asyncio
import functools
import json
import platform
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from rich.console import Console
from rich.table import Table

from secapi_dev import paths
from secapi_dev.bench import ingest, scans
from secapi_dev.components import secapi_components
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.progress import Progress
from secapi_dev.servers.migrations import migrate
from secapi_dev.stack import running_stack
from secapi_dev.stackfile import Stack

LOOPBACK_POLICY = {
    "apiVersion": "secapi.dev/v1alpha1",
    "kind": "ScanPolicy",
    "metadata": {"name": "bench", "namespace": "default"},
    "spec": {"allowedTargets": {"cidrs": ["127.0.0.0/8"]}},
}

INGEST_DATABASE = "ingest"

Figures = dict[str, dict[str, Any]]


def command() -> None:
    """Measure a fresh stack on this machine: print a table, write build/bench.json."""
    figures = asyncio.run(measure(Progress()))
    _print(figures)
    _write(figures, paths.CHECKOUT / "build" / "bench.json")


async def measure(progress: Progress) -> Figures:
    """Every figure, each measured with nothing else going on."""
    plan = functools.partial(secapi_components, workers=1)
    async with temporary_state() as state, running_stack(state, plan, progress) as stack:
        await _prepare(stack, progress)
        figures: Figures = {}
        async with progress.during("unloaded overhead"):
            figures["overhead"] = await scans.overhead(stack)
        async with progress.during("sustained scans"):
            figures["throughput"] = await scans.throughput(stack)
        async with progress.during("ingest"):
            figures["ingest"] = await ingest.measure(await _empty_database(stack, state))
        return figures


async def _empty_database(stack: Stack, state: StateDirectory) -> str:
    """A migrated database beside the stack's: there the operator would cancel scans that have no ScanRequest."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        await connection.execute(f"CREATE DATABASE {INGEST_DATABASE}")
    finally:
        await connection.close()
    url = urlsplit(stack.database_url)._replace(path=f"/{INGEST_DATABASE}").geturl()
    await migrate(url, state)
    return url


async def _prepare(stack: Stack, progress: Progress) -> None:
    """The test scanner and a policy that allows loopback, which the benchmark names but never touches."""
    kubectl = Kubectl((await find_or_build(progress)).kubectl, stack.kubeconfig)
    await kubectl.apply(paths.CATALOGUE / "testing")
    await kubectl("apply", "-f", "-", stdin=json.dumps(LOOPBACK_POLICY))


def _print(figures: Figures) -> None:
    table = Table("what", "figure", "value")
    for what, values in figures.items():
        for name, value in values.items():
            table.add_row(what, name, str(value))
    Console().print(table)


def _write(figures: Figures, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    path.write_text(json.dumps({"machine": machine} | figures, indent=2) + "\n")
