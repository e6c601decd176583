"""One delivery from claim to outcome: who may run the job, and which of the ways it can end is written down.

Every outcome is one fenced transition of the ledger, so whatever is cut off or done twice here, one wins. An outcome
that cannot be written because the database stays away is dropped: the lease runs out and the reaper takes the job back.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from secapi_core import tracing
from secapi_core.errors import CancelRequested, SecapiError, Superseded
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.states import JobState
from secapi_core.ledger.transitions.cancel import cancel_job
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.release import release_job
from secapi_core.ledger.types import ClaimedJob, IngestCounts
from secapi_core.settings import LeaseSettings
from secapi_workers import metrics
from secapi_workers.runner.attempt import Attempt, Equipment
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.lease import Ended, Lease
from secapi_workers.runner.retries import Unavailable, persistently

log = structlog.get_logger(__name__)

TRY_SECONDS = 5.0
"""How long one try of a small transition may take."""

RELEASE_SECONDS = 5.0
"""How long a draining worker tries to give a job back before it leaves that to the reaper."""


class Drained(Exception):
    """The worker is going away and has not claimed the job: the message is for another."""


class JobRunner:
    """Runs jobs, one at a time. Made in a worker process after the fork."""

    def __init__(
        self, equipment: Equipment, *, leases: LeaseSettings, draining: Draining, patience: float, worker: str
    ) -> None:
        """``patience`` is how long a running job may go on once draining began; ``worker`` names this process."""
        self.equipment = equipment
        self.leases = leases
        self.draining = draining
        self.patience = patience
        self.worker = worker

    async def run(self, job_id: UUID) -> None:
        """Run the job if it can be claimed; raises Drained if this worker takes no more."""
        with bound_contextvars(job_id=str(job_id)):
            lease = await self._claim(job_id)
            if lease is None:
                metrics.DELIVERIES.labels("dropped").inc()
                log.debug("delivery dropped, there is nothing to claim")
                return
            metrics.DELIVERIES.labels("claimed").inc()
            job = lease.job
            with bound_contextvars(scan_id=str(job.scan_id), scanner=job.scanner, attempt=job.attempt):
                attributes: tracing.Attributes = {
                    "secapi.scan.id": str(job.scan_id),
                    "secapi.job.id": str(job.id),
                    "secapi.attempt": job.attempt,
                    "k8s.namespace.name": job.namespace,
                }
                name = f"job {job.scanner}"
                with tracing.span(name, parent=job.traceparent, began=lease.claimed, attributes=attributes):
                    tracing.completed("claim", began=lease.claimed)
                    log.info("job claimed", namespace=job.namespace)
                    await self._own(lease)

    async def _claim(self, job_id: UUID) -> Lease | None:
        if self.draining.begun:
            raise Drained
        asked = time.monotonic()

        async def claim() -> ClaimedJob | None:
            nonlocal asked
            asked = time.monotonic()
            async with self.equipment.database.transaction() as session:
                return await claim_job(session, job_id, worker=self.worker, lease_seconds=self.leases.lease_seconds)

        try:
            # Without the database there is nothing better to do than to wait for it with the message in hand.
            job = await persistently(
                claim, seconds_left=lambda: 0.0 if self.draining.begun else math.inf, try_seconds=TRY_SECONDS
            )
        except Unavailable:
            raise Drained from None
        if job is None:
            return None
        return Lease(job, self.leases, claimed=asked, expires=asked + self.leases.lease_seconds)

    async def _own(self, lease: Lease) -> None:
        """Run the claimed job until it ends by itself or has to."""
        attempt = Attempt(lease, self.equipment)
        work = asyncio.create_task(attempt.run())
        keeping = asyncio.create_task(lease.keep(self.equipment.database))
        drained = asyncio.create_task(self.draining.given_up(self.patience))
        try:
            await asyncio.wait({work, keeping, drained}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                # The scanner is killed meanwhile, which may take its grace period.
                await asyncio.wait({work})
            if not work.cancelled():
                await self._conclude(attempt, work)
            elif keeping.done():
                await self._interrupted(lease, keeping.result())
            else:
                await self._release(lease)
        finally:
            for task in (keeping, drained):
                task.cancel()
            await asyncio.gather(keeping, drained, return_exceptions=True)

    async def _conclude(self, attempt: Attempt, work: "asyncio.Task[IngestCounts]") -> None:
        """The attempt ended by itself: it has committed its results, or failed."""
        lease = attempt.lease
        try:
            counts = await work
        except CancelRequested:
            await self._interrupted(lease, Ended.CANCELLED)
        except (Superseded, Unavailable):
            await self._interrupted(lease, Ended.LOST)
        except SecapiError as error:
            tracing.failed(error)
            await self._fail(attempt, error.failure)
        except Exception as error:
            # The outermost loop of a job: a defect fails the job, not the worker.
            log.exception("defect while running a job")
            tracing.failed(error)
            message = f"unexpected {type(error).__name__} in the worker; its log has the details"
            await self._fail(attempt, Failure(FailureReason.INTERNAL_ERROR, message))
        else:
            seconds = time.monotonic() - lease.claimed
            metrics.count_success(lease.job, counts, seconds)
            log.info("job succeeded", findings=counts.seen, new=counts.new, seconds=round(seconds, 3))

    async def _interrupted(self, lease: Lease, why: Ended) -> None:
        """The scanner has been killed because the job was cancelled or is no longer ours."""
        if why is Ended.CANCELLED:
            await self._settle(lease, lambda session: _cancel(session, lease.job))
        else:
            self._lost(lease, "it may be another worker's by now")

    async def _fail(self, attempt: Attempt, failure: Failure) -> None:
        await self._settle(attempt.lease, lambda session: _fail(session, attempt, failure), failure=failure)

    async def _release(self, lease: Lease) -> None:
        await self._settle(lease, lambda session: _release(session, lease.job), within=RELEASE_SECONDS)

    async def _settle(
        self,
        lease: Lease,
        transition: Callable[[AsyncSession], Awaitable[str]],
        *,
        within: float = math.inf,
        failure: Failure | None = None,
    ) -> None:
        """Write an outcome down and count it. ``transition`` returns what to call it."""
        give_up = time.monotonic() + within

        async def write() -> str:
            async with self.equipment.database.transaction() as session:
                return await transition(session)

        try:
            outcome = await persistently(
                write,
                seconds_left=lambda: min(lease.seconds_left, give_up - time.monotonic()),
                try_seconds=TRY_SECONDS,
            )
        except Superseded:
            self._lost(lease, "somebody else had settled it")
        except Unavailable:
            self._lost(lease, "the database stayed away")
        else:
            metrics.count_end(lease.job, outcome, failure.reason if failure else None)
            why = {"reason": failure.reason, "message": failure.message} if failure else {}
            log.info(f"job {outcome}", **why)

    def _lost(self, lease: Lease, why: str) -> None:
        metrics.count_end(lease.job, "lost")
        log.warning("job lost", why=why)


async def _cancel(session: AsyncSession, job: ClaimedJob) -> str:
    await cancel_job(session, job.id, job.attempt)
    return "cancelled"


async def _release(session: AsyncSession, job: ClaimedJob) -> str:
    await release_job(session, job.id, job.attempt)
    return "released"


async def _fail(session: AsyncSession, attempt: Attempt, failure: Failure) -> str:
    job = attempt.lease.job
    state = await fail_job(session, job.id, job.attempt, failure, attempt.report)
    return "retried" if state is JobState.QUEUED else state
