"""The apiserver's side of a reconcile: writing the status, deleting what has had its time.

Every write names the version it is based on. If that is not the newest any more, the newest is read and looked at
instead of being overwritten.
"""

from datetime import UTC, datetime
from typing import Any

import structlog

from secapi_core.failures import Failure
from secapi_core.ledger.queries.scans import ScanSummary
from secapi_operator import metrics
from secapi_operator.kube import Conflict, Kube, NotFound
from secapi_operator.objects import StoredScan
from secapi_operator.reconcile.requests import read_gate
from secapi_operator.reconcile.status import project, waiting
from secapi_operator.resources import delete_scan, read_scan, write_status
from secapi_operator.store import Store

log = structlog.get_logger(__name__)


class ScanPresenter:
    """Keeps ``store`` as new as its own writes, so that their echo in the watch changes nothing."""

    def __init__(self, store: Store, kube: Kube) -> None:
        """Write with ``kube``."""
        self._store = store
        self._kube = kube

    async def show(self, scan: StoredScan, summary: ScanSummary) -> bool:
        """Bring the status up to what the ledger says; false if the object was not the newest any more."""
        written = await self._write(scan, project(summary, generation=scan.generation, gate=read_gate(scan)))
        if written and summary.state.terminal:
            _count(summary)
        return written

    async def show_waiting(self, scan: StoredScan, why: Failure) -> None:
        """Say that the scan is neither refused nor planned."""
        await self._write(scan, waiting(scan.uid, datetime.now(UTC), why, generation=scan.generation))

    async def delete(self, scan: StoredScan) -> None:
        """Delete exactly this version."""
        try:
            await delete_scan(self._kube, scan.key, str(scan.version))
        except NotFound:
            pass
        except Conflict:
            await self._read_again(scan)
            return
        log.info("scan deleted after its time", scan_id=scan.uid, namespace=scan.namespace, name=scan.name)
        self._store.scans.remove(scan)

    async def _write(self, scan: StoredScan, status: dict[str, Any]) -> bool:
        try:
            answer = await write_status(self._kube, scan.key, str(scan.version), status)
        except NotFound:
            self._store.scans.remove(scan)
            return False
        except Conflict:
            await self._read_again(scan)
            return False
        self._store.scans.put(StoredScan.parse(answer))
        return True

    async def _read_again(self, scan: StoredScan) -> None:
        try:
            self._store.scans.put(StoredScan.parse(await read_scan(self._kube, scan.key)))
        except NotFound:
            self._store.scans.remove(scan)


def _count(summary: ScanSummary) -> None:
    outcome = summary.state.value
    metrics.SCANS.labels(summary.namespace, outcome, summary.reason or "Completed").inc()
    for job_outcome, number in (
        ("succeeded", summary.jobs_succeeded),
        ("failed", summary.jobs_failed),
        ("cancelled", summary.jobs_cancelled),
    ):
        metrics.JOBS.labels(summary.namespace, job_outcome).inc(number)
    if summary.completed_at is not None:
        metrics.SCAN_DURATION.labels(outcome).observe((summary.completed_at - summary.created_at).total_seconds())
