"""The ledger's side of a reconcile: planning a scan into jobs, refusing it, having it wait, cancelling it."""

from uuid import UUID

import structlog

from secapi_core import planning, tracing
from secapi_core.crds.scanpolicy import ScanPolicySpec
from secapi_core.errors import Rejected
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.plan import plan_scan, reject_scan
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.types import NewScan
from secapi_operator.objects import ScanKey, StoredScan
from secapi_operator.reconcile.quota import QuotaLine, count_planned
from secapi_operator.reconcile.requests import explain, new_scan, read_spec
from secapi_operator.store import Store

log = structlog.get_logger(__name__)


class ScanPlanner:
    """Plans with the catalogue and the policies that are in memory."""

    def __init__(self, store: Store, database: Database, line: QuotaLine, platform: planning.PlatformLimits) -> None:
        """``line`` keeps the scans that wait."""
        self._store = store
        self._database = database
        self._line = line
        self._platform = platform

    async def plan(self, scan: StoredScan) -> Failure | None:
        """Plan the scan into jobs or refuse it for good; returns why it has to wait, if it has."""
        policies = self._store.policies_of(scan.namespace)
        try:
            spec = read_spec(scan)
            plan = planning.plan(UUID(scan.uid), spec, self._store.catalogue(), policies, self._platform)
        except Rejected as rejection:
            await self._reject(scan, explain(rejection))
            return None
        new = new_scan(scan, spec)
        if any(policy.max_active_scans is not None for policy in policies):
            return await self._plan_within_quota(new, plan, policies)
        await self._store_plan(new, plan)
        return None

    async def register(self, scan: StoredScan) -> None:
        """Enter a scan that waits, so that REST shows it."""
        async with self._database.transaction() as session:
            await register_scan(session, new_scan(scan))

    async def cancel(self, key: ScanKey, failure: Failure, scan: StoredScan | None) -> None:
        """Cancel what can be cancelled; ``scan`` is the object, unless it is gone."""
        async with self._database.transaction() as session:
            if scan is not None:
                # It may be cancelled before it was planned, and must still end in the ledger.
                await register_scan(session, new_scan(scan))
            await cancel_scan(session, UUID(key.uid), failure)
        log.info("scan cancelled", scan_id=key.uid, namespace=key.namespace, name=key.name, reason=failure.reason)

    async def _plan_within_quota(
        self, scan: NewScan, plan: planning.Plan, policies: list[ScanPolicySpec]
    ) -> Failure | None:
        """Plan if there is room and nobody waits in front."""
        async with self._line.locks[scan.namespace]:
            if not self._line.is_first(ScanKey(scan.namespace, scan.name, str(scan.id))):
                return Failure(FailureReason.QUOTA_EXCEEDED, "waits behind other scans of the namespace")
            async with self._database.transaction() as session:
                active = await count_planned(session, scan.namespace)
            try:
                planning.check_quota(active, policies)
            except Rejected as rejection:
                return rejection.failure
            await self._store_plan(scan, plan)
        return None

    async def _store_plan(self, scan: NewScan, plan: planning.Plan) -> None:
        async with self._database.transaction() as session:
            await plan_scan(session, scan, plan, traceparent=tracing.current())
        log.info("scan planned", scan_id=str(scan.id), namespace=scan.namespace, name=scan.name, jobs=len(plan.jobs))

    async def _reject(self, scan: StoredScan, failure: Failure) -> None:
        async with self._database.transaction() as session:
            await reject_scan(session, new_scan(scan), failure)
        log.info("scan rejected", scan_id=scan.uid, namespace=scan.namespace, name=scan.name, reason=failure.reason)
