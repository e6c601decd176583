"""Reconciling ScanRequests: :func:`decide` says what is next, this has it done, one step at a time.

Every step is safe to repeat and safe to race: transitions are idempotent, writes to the apiserver name the version
they are based on. After a step the key comes back by itself: from the ledger's notification, from a timer set here,
or, should either be lost, from the sweep.
"""

import asyncio
import time
from uuid import UUID

from secapi_core import tracing
from secapi_core.ledger.database import Database
from secapi_core.planning import PlatformLimits
from secapi_operator.kube import Kube
from secapi_operator.loader import ScanLoader
from secapi_operator.objects import ScanKey, Stage, StoredScan
from secapi_operator.reconcile.decide import Cancel, Delays, Delete, Nothing, Plan, Show, Step, Wait, decide
from secapi_operator.reconcile.pace import InterimPace
from secapi_operator.reconcile.planner import ScanPlanner
from secapi_operator.reconcile.presenter import ScanPresenter
from secapi_operator.reconcile.quota import QuotaLine
from secapi_operator.settings import OperatorSettings
from secapi_operator.store import Store
from secapi_operator.workqueue import WorkQueue

_QUOTA_RECHECK = 15.0
"""Seconds until a scan that waits for its namespace's quota looks again though nobody woke it."""


class ScanReconciler:
    """Brings scans a step further; safe to call for different keys at once."""

    def __init__(
        self,
        *,
        store: Store,
        kube: Kube,
        database: Database,
        loader: ScanLoader,
        queue: WorkQueue[ScanKey],
        settings: OperatorSettings,
    ) -> None:
        """Work with what the caller opened and keeps."""
        tuning = settings.tuning
        self.delays = Delays(queued=tuning.queued_status_delay, running=tuning.running_status_delay)
        self._store = store
        self._loader = loader
        self._queue = queue
        self._line = QuotaLine(queue.add)
        self._pace = InterimPace(
            asyncio.get_running_loop(),
            rate=tuning.interim_status_qps,
            burst=tuning.interim_status_burst,
            wake=queue.add,
        )
        platform = PlatformLimits(denied_cidrs=settings.denied_cidrs, max_jobs_per_scan=settings.max_jobs_per_scan)
        self._planner = ScanPlanner(store, database, self._line, platform)
        self._presenter = ScanPresenter(store, kube)
        # What is further away comes back with a sweep, so that timers stay few.
        self._horizon = 2 * tuning.sweep_interval

    def notified(self, name: str) -> None:
        """The ledger said that the scan ``namespace/name`` started or finished."""
        namespace, _, scan = name.partition("/")
        stored = self._store.scans.get(namespace, scan)
        if stored is not None:
            self._queue.add(stored.key)
        self._line.wake_first(namespace)

    async def reconcile(self, key: ScanKey) -> str:
        """Take the next step and return its name."""
        stored = self._store.scan(key)
        # What is over needs no look into the ledger.
        over = stored is not None and stored.stage is Stage.FINAL
        summary = None if over else await self._loader.load(UUID(key.uid))
        step = self._paced(key, decide(stored, summary, self.delays, monotonic=time.monotonic(), wall=time.time()))
        if not isinstance(step, Plan):
            self._line.leave(key)
        name = type(step).__name__.lower()
        if isinstance(step, (Nothing, Wait)):
            await self._take(key, step)
        else:
            attributes = {"secapi.scan.id": key.uid, "k8s.namespace.name": key.namespace}
            with tracing.span(name, parent=stored.traceparent if stored else None, attributes=attributes):
                await self._take(key, step)
        return name

    def _paced(self, key: ScanKey, step: Step) -> Step:
        """The step, or nothing as long as others are to show first that they have not ended."""
        match step:
            case Show() if not step.final:
                return step if self._pace.admits(key) else Nothing()
            case Plan():
                return step  # it may turn out to be waiting for its quota, and to have that to show
            case _:
                self._pace.leave(key)
                return step

    async def _take(self, key: ScanKey, step: Step) -> None:
        match step:
            case Nothing():
                pass
            case Wait(seconds):
                if seconds <= self._horizon:
                    self._queue.add_after(key, seconds)
            case Plan(scan):
                await self._plan(scan)
            case Cancel(failure, scan):
                await self._planner.cancel(key, failure, scan)
                self._look_again(key)
            case Show(scan, summary):
                written = await self._presenter.show(scan, summary)
                # An end that is shown starts the time to live; what was not written has changed meanwhile.
                if step.final or not written:
                    self._look_again(key)
            case Delete(scan):
                await self._presenter.delete(scan)
                self._look_again(key)

    def _look_again(self, key: ScanKey) -> None:
        if self._store.scan(key) is not None:
            self._queue.add(key)

    async def _plan(self, scan: StoredScan) -> None:
        why = await self._planner.plan(scan)
        remaining = scan.noticed_at + self.delays.queued - time.monotonic()
        if why is None:
            self._line.leave(scan.key)
            self._pace.leave(scan.key)
            # Should nothing happen until then, the status says that the scan is queued.
            self._queue.add_after(scan.key, remaining)
            return
        self._line.join(scan.key)
        self._queue.add_after(scan.key, _QUOTA_RECHECK)
        if scan.stage is Stage.BLANK:
            if remaining > 0:
                self._queue.add_after(scan.key, remaining)
            elif self._pace.admits(scan.key):
                await self._planner.register(scan)
                await self._presenter.show_waiting(scan, why)
