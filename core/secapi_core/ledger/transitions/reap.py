"""reap: jobs whose workers fell silent get another attempt (promise P3)."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.states import AttemptState, JobState
from secapi_core.ledger.transitions._fence import OWNED_COLUMNS, OwnedJob, owned_job
from secapi_core.ledger.transitions._retry import count_used_attempts, retry_or_bury
from secapi_core.ledger.transitions._settle import end_job
from secapi_core.ledger.types import ReapedJob

# A locked row is being reaped by somebody else, or its worker is alive after all and commits.
_LOCK_EXPIRED = text(f"""
    SELECT {OWNED_COLUMNS} FROM scan_jobs
    WHERE state = 'running' AND lease_until < now()
    ORDER BY lease_until
    LIMIT :limit
    FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608 - column names are constants


async def reap_expired(session: AsyncSession, *, limit: int) -> list[ReapedJob]:
    """End at most ``limit`` attempts whose lease ran out, the longest silent first."""
    rows = (await session.execute(_LOCK_EXPIRED, {"limit": limit})).mappings().all()
    jobs = sorted((owned_job(row) for row in rows), key=lambda job: (job.scan_id, job.id))  # the order of scans' locks
    return [
        ReapedJob(job.id, job.scan_id, job.namespace, job.scanner, job.pool, job.attempt, await _reap(session, job))
        for job in jobs
    ]


async def _reap(session: AsyncSession, job: OwnedJob) -> JobState:
    if job.cancel_requested:
        await end_job(session, job, JobState.CANCELLED, AttemptState.LOST, job.cancellation)
        return JobState.CANCELLED
    failure = Failure(FailureReason.WORKER_LOST, f"worker {job.worker} fell silent during attempt {job.attempt}")
    used = await count_used_attempts(session, job)
    return await retry_or_bury(session, job, AttemptState.LOST, failure, used=used, delay=timedelta(0))
