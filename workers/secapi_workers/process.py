"""One worker process: its event loop, database connections, sandbox and directory, all made after the fork."""

import asyncio
import os
import platform
from collections.abc import Iterator
from uuid import UUID

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from secapi_core import error_tracking, tracing
from secapi_core.ledger.database import Database
from secapi_core.ledger.pool_gauge import watch_pool
from secapi_core.messages import SYSTEM_POOL
from secapi_core.objects import ArtifactStore
from secapi_core.scan_summaries import ScanSummaries
from secapi_core.shared_memory import SharedMemory
from secapi_workers.runner.attempt import Equipment
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import JobRunner
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import Workspace
from secapi_workers.settings import MIB, WorkerSettings
from secapi_workers.sources.prepare import Sources
from secapi_workers.webhooks.thread import DeliveryThread

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class WorkerProcess:
    """What one process of the pool needs for its work; ``open`` and ``close`` are called in that process only."""

    def __init__(self, settings: WorkerSettings, draining: Draining) -> None:
        """Remember the settings; nothing is opened in the parent."""
        self.settings = settings
        self.draining = draining

    def open(self) -> None:
        """Make everything; connects to nothing yet, so it works while the database is away."""
        settings = self.settings
        self.draining.attach()
        self._stop_tracing = tracing.start(settings, "worker")
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        # For nothing but telling what has changed: one connection, and no job waits for it longer than a moment.
        self._memory = SharedMemory(settings.redis_url.get_secret_value(), connections=1)
        summaries = ScanSummaries(self._memory)
        self._database = Database(settings, application="secapi-worker", changed=summaries.put)
        self._workspace = Workspace(settings.workdir)
        self._sandbox = Sandbox()
        path_variable = f"{settings.tools_dir / 'bin'}:{SYSTEM_PATH}"
        sources = Sources(
            store=ArtifactStore(settings.artifact_url),
            sandbox=self._sandbox,
            max_bytes=settings.source_max_mib * MIB,
            seconds=settings.source_timeout,
            path_variable=path_variable,
        )
        self._jobs = JobRunner(
            Equipment(
                database=self._database,
                sandbox=self._sandbox,
                workspace=self._workspace,
                sources=sources,
                path_variable=path_variable,
            ),
            leases=settings,
            draining=self.draining,
            patience=settings.drain_seconds,
            worker=f"{platform.node()}:{os.getpid()}",
        )

        self._deliveries = self._delivery_thread()
        watch_pool(*self._engines())

    def _delivery_thread(self) -> DeliveryThread | None:
        if SYSTEM_POOL not in self.settings.worker_pools or self.settings.webhook_key is None:
            return None
        return DeliveryThread(self.settings, self.settings.webhook_key.get_secret_value().encode(), self.draining)

    def _engines(self) -> Iterator[AsyncEngine]:
        """Those that are used."""
        if set(self.settings.worker_pools) != {SYSTEM_POOL}:
            yield self._database.engine
        if self._deliveries is not None:
            yield self._deliveries.database.engine

    def run_job(self, job_id: UUID) -> None:
        """Run one job to its outcome; raises ``Drained`` if this worker takes no more."""
        self._runner.run(self._jobs.run(job_id))

    def deliver_event(self, delivery_id: UUID) -> None:
        """Begin one try of a delivery; raises ``Drained`` if this worker takes no more."""
        assert self._deliveries is not None  # noqa: S101 -- only the system pool's queue has such messages
        self._deliveries.take(delivery_id)

    def close(self) -> None:
        """Let go of everything, once events that are being sent have been."""
        if self._deliveries is not None:
            self._deliveries.close()
        self._runner.run(self._database.close())
        self._runner.run(self._memory.close())
        self._runner.close()
        self._sandbox.close()
        self._workspace.close()
        self._stop_tracing()
        error_tracking.flush()
