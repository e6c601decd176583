"""Custom resources against the ledger: finds what needs a step though nothing said so, and scans nobody owns.

Runs when leading begins, whenever notifications may have been missed, and from time to time. It is what makes every
other wake-up an optimization.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from uuid import UUID

import structlog

from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.active import open_scan_ids
from secapi_core.ledger.queries.scans import get_states
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_operator import metrics
from secapi_operator.kube import Kube, NotFound
from secapi_operator.objects import ScanKey, Stage, StoredScan
from secapi_operator.periodic import event_or_timeout
from secapi_operator.reconcile.decide import DELETED, Delays, Nothing, Wait, decide
from secapi_operator.resources import read_scan
from secapi_operator.store import Store
from secapi_operator.workqueue import WorkQueue

log = structlog.get_logger(__name__)

_BATCH = 500


class Sweeper:
    """Compares everything in memory with the ledger, and every open scan of the ledger with memory."""

    def __init__(
        self,
        *,
        store: Store,
        kube: Kube,
        database: Database,
        queue: WorkQueue[ScanKey],
        delays: Delays,
        interval: float,
    ) -> None:
        """``interval`` is the longest time between two sweeps."""
        self._store = store
        self._kube = kube
        self._database = database
        self._queue = queue
        self._delays = delays
        self._interval = interval
        # At first soon, even if nobody listens to notifications: everything may have changed before this term.
        self._patience = min(interval, 5.0)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Notifications may have been missed."""
        self._woken.set()

    async def round(self) -> None:
        """Wait for a reason to sweep (the first is that notifications arrive), then do."""
        await event_or_timeout(self._woken, self._patience)
        self._woken.clear()
        self._patience = self._interval
        started_at = time.monotonic()
        try:
            woken = await self._sweep_objects()
            orphans = await self._sweep_ledger()
        except BaseException:
            self._woken.set()
            raise
        log.info("swept", woken=woken, orphans=orphans, seconds=round(time.monotonic() - started_at, 3))

    async def _sweep_objects(self) -> int:
        """Queue the scans that need a step."""
        woken = 0
        for batch in _batches(self._store.scans.values()):
            open_ids = [UUID(scan.uid) for scan in batch if scan.stage is not Stage.FINAL]
            summaries = {}
            if open_ids:
                async with self._database.transaction() as session:
                    summaries = await get_states(session, open_ids)
            for scan in batch:
                summary = summaries.get(UUID(scan.uid))
                step = decide(scan, summary, self._delays, monotonic=time.monotonic(), wall=time.time())
                match step:
                    case Nothing():
                        continue
                    case Wait(seconds):
                        if seconds <= 2 * self._interval:
                            self._queue.add_after(scan.key, seconds)
                    case _:
                        self._queue.add(scan.key)
                        woken += 1
        return woken

    async def _sweep_ledger(self) -> int:
        """Cancel open scans whose ScanRequest is gone: deleted while nobody watched."""
        orphans, after = 0, None
        while True:
            async with self._database.transaction() as session:
                found = await open_scan_ids(session, after, _BATCH)
            for scan_id, namespace, name in found:
                key = ScanKey(namespace, name, str(scan_id))
                if self._store.scan(key) is None and not await self._exists(key):
                    orphans += 1
                    await self._cancel_orphan(key)
            if len(found) < _BATCH:
                return orphans
            after = found[-1][0]

    async def _exists(self, key: ScanKey) -> bool:
        """Ask the apiserver itself: memory may lag behind a request that was registered just now."""
        try:
            answer = await read_scan(self._kube, key)
        except NotFound:
            return False
        if answer["metadata"]["uid"] != key.uid:
            return False
        self._store.scans.put(StoredScan.parse(answer))
        return True

    async def _cancel_orphan(self, key: ScanKey) -> None:
        async with self._database.transaction() as session:
            await cancel_scan(session, UUID(key.uid), DELETED)
        metrics.SCANS_ORPHANED.inc()
        log.warning("open scan without ScanRequest", scan_id=key.uid, namespace=key.namespace, name=key.name)


def _batches(scans: Sequence[StoredScan]) -> Iterator[Sequence[StoredScan]]:
    for start in range(0, len(scans), _BATCH):
        yield scans[start : start + _BATCH]
