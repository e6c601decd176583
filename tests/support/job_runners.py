"""A worker process's job runner inside the test's process, with a proxy between it and Postgres."""

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy.engine import make_url

from planned_scans import install_noop, noop_processes
from secapi_core.ledger.database import Database
from secapi_core.objects import ArtifactStore
from secapi_core.settings import LeaseSettings, Settings
from secapi_workers.runner.attempt import Equipment
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import JobRunner
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import Workspace
from secapi_workers.sources.prepare import Sources
from tcp_proxy import TcpProxy
from waiting import until

LEASES = LeaseSettings(lease_seconds=2.0, heartbeat_seconds=0.2)

MakeRunner = Callable[..., JobRunner]


def open_database(url: str) -> Database:
    """Connections of the test's own."""
    return Database(Settings.model_validate({"database_url": url, "database_pool_size": 4}), application="test")


@dataclass(frozen=True)
class RunnerFactory:
    """Makes runners; what they need is closed with ``stack``."""

    database_url: str
    proxy: TcpProxy
    sandbox: Sandbox
    draining: Draining
    directory: Path
    stack: AsyncExitStack

    def __post_init__(self) -> None:
        """Install the scanner."""
        install_noop(self.directory / "tools")

    def make(
        self, *, leases: LeaseSettings = LEASES, patience: float = 60.0, path_variable: str | None = None
    ) -> JobRunner:
        """A runner; a job has ``patience`` once draining begins, tools are looked for in ``path_variable``."""
        path_variable = path_variable or f"{self.directory}/tools/bin:/usr/bin:/bin"
        through_proxy = make_url(self.database_url).set(host="127.0.0.1", port=self.proxy.port)
        database = open_database(through_proxy.render_as_string(hide_password=False))
        self.stack.push_async_callback(database.close)
        workspace = Workspace(self.directory / "work")
        self.stack.callback(workspace.close)
        sources = Sources(
            store=ArtifactStore("memory:///"),
            sandbox=self.sandbox,
            max_bytes=2**20,
            seconds=20,
            path_variable=path_variable,
        )
        equipment = Equipment(
            database=database, sandbox=self.sandbox, workspace=workspace, sources=sources, path_variable=path_variable
        )
        return JobRunner(equipment, leases=leases, draining=self.draining, patience=patience, worker="test:1")


def scanners() -> list[psutil.Process]:
    """No-op scanners below this process."""
    return noop_processes(os.getpid())


async def scanning() -> psutil.Process:
    """The scanner, once it runs."""
    return (await until(scanners))[0]
