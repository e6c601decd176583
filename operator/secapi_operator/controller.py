"""What the leader does: takes keys from the queue, publishes, sweeps, reaps; all of it ends with the leadership."""

import asyncio
import time
from datetime import timedelta

import structlog

from secapi_core.errors import describe
from secapi_core.ledger.database import Database
from secapi_operator import listen, metrics
from secapi_operator.broker import Broker
from secapi_operator.catalogue import apply_catalogue
from secapi_operator.gauges import clear_gauges, refresh_findings, refresh_work
from secapi_operator.kube import Kube
from secapi_operator.loader import ScanLoader
from secapi_operator.objects import ScanKey
from secapi_operator.outages import is_defect
from secapi_operator.periodic import event_or_timeout, every
from secapi_operator.publisher import Publisher
from secapi_operator.reaper import reap
from secapi_operator.reconcile.scanrequest import ScanReconciler
from secapi_operator.redispatch import Redispatcher
from secapi_operator.retention import forget
from secapi_operator.settings import OperatorSettings
from secapi_operator.store import Store
from secapi_operator.sweeper import Sweeper
from secapi_operator.workqueue import WorkQueue

log = structlog.get_logger(__name__)

_FINDINGS_INTERVAL = 60.0
_CATALOGUE_INTERVAL = 3600.0
_RETENTION_INTERVAL = 600.0


class Controller:
    """One term of leadership; made anew for each, so that nothing of an earlier one is left."""

    def __init__(
        self, *, store: Store, kube: Kube, database: Database, broker: Broker, settings: OperatorSettings
    ) -> None:
        """Work with what the process opened and keeps."""
        tuning = settings.tuning
        self._tuning = tuning
        self._kube = kube
        self._database = database
        self._catalogue_dir = tuning.catalogue_dir
        self._deliveries_kept = timedelta(days=settings.webhook_retention_days)
        self.queue: WorkQueue[ScanKey] = WorkQueue(asyncio.get_running_loop(), max_delay=tuning.backoff_ceiling)
        self._loader = ScanLoader(database)
        self._reconciler = ScanReconciler(
            store=store, kube=kube, database=database, loader=self._loader, queue=self.queue, settings=settings
        )
        self._publisher = Publisher(database, broker, poll_interval=tuning.outbox_poll_interval)
        self._sweeper = Sweeper(
            store=store,
            kube=kube,
            database=database,
            queue=self.queue,
            delays=self._reconciler.delays,
            interval=tuning.sweep_interval,
        )
        self._redispatcher = Redispatcher(database, broker, message_age=timedelta(seconds=tuning.redispatch_age))
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until cancelled, or until ``stop`` is set and the reconciles under way have finished."""
        try:
            async with asyncio.TaskGroup() as duties:
                tasks = [
                    duties.create_task(self._loader.run()),
                    duties.create_task(self._listen()),
                    duties.create_task(self._publisher.run()),
                    duties.create_task(every(0, self._sweeper.round, name="sweep")),
                    duties.create_task(every(self._tuning.reap_interval, lambda: reap(self._database), name="reap")),
                    duties.create_task(
                        every(self._tuning.redispatch_interval, self._redispatcher.round, name="redispatch")
                    ),
                    duties.create_task(every(self._tuning.gauge_interval, self._count_work, name="gauges")),
                    duties.create_task(
                        every(_FINDINGS_INTERVAL, lambda: refresh_findings(self._database), name="findings")
                    ),
                    duties.create_task(every(_RETENTION_INTERVAL, self._forget, name="retention")),
                    duties.create_task(self._keep_catalogue()),
                    *(duties.create_task(self._work(stop)) for _ in range(self._tuning.workers)),
                ]
                await stop.wait()
                await event_or_timeout(self._idle, self._tuning.shutdown_grace)
                for task in tasks:
                    task.cancel()
        finally:
            self.queue.close()
            clear_gauges()

    async def _keep_catalogue(self) -> None:
        if self._catalogue_dir is not None:
            directory = self._catalogue_dir
            await every(_CATALOGUE_INTERVAL, lambda: apply_catalogue(self._kube, directory), name="catalogue")

    async def _forget(self) -> None:
        await forget(self._database, older_than=self._deliveries_kept)

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            key = await self.queue.get()
            self._busy += 1
            self._idle.clear()
            try:
                await self._reconcile(key)
            finally:
                self.queue.done(key)
                self._busy -= 1
                if not self._busy:
                    self._idle.set()

    async def _reconcile(self, key: ScanKey) -> None:
        started_at = time.perf_counter()
        if self.queue.failures(key):
            metrics.RECONCILE_RETRIES.inc()
        try:
            step = await self._reconciler.reconcile(key)
        # Whatever went wrong with one scan must not keep the others waiting; it is tried again with backoff.
        except Exception as error:
            metrics.RECONCILE_ERRORS.labels(type(error).__name__).inc()
            delay = self.queue.add_failed(key)
            defect = is_defect(error)
            (log.error if defect else log.warning)(
                "reconcile failed",
                namespace=key.namespace,
                name=key.name,
                scan_id=key.uid,
                failures=self.queue.failures(key),
                retry_in=round(delay, 3),
                error=describe(error),
                exc_info=defect,
            )
        else:
            self.queue.forget(key)
            metrics.RECONCILE_DURATION.labels(step).observe(time.perf_counter() - started_at)

    async def _listen(self) -> None:
        heard = {
            listen.SCANS: self._reconciler.notified,
            listen.OUTBOX: lambda _payload: self._publisher.wake(),
        }
        await listen.listen(self._database.dsn, heard, connected=self._catch_up)

    def _catch_up(self) -> None:
        """What was notified while nobody listened is found by looking."""
        self._publisher.wake()
        self._sweeper.wake()

    async def _count_work(self) -> None:
        metrics.RECONCILE_QUEUE.set(len(self.queue))
        metrics.RECONCILE_DELAYED.set(self.queue.delayed)
        await refresh_work(self._database)
