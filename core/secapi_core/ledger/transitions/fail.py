"""fail: an attempt did not work out, for a typed reason."""

import random
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.failures import Failure
from secapi_core.ledger.backoff import backoff
from secapi_core.ledger.states import AttemptState, JobState
from secapi_core.ledger.transitions._fence import lock_job
from secapi_core.ledger.transitions._retry import count_used_attempts, retry_or_bury
from secapi_core.ledger.transitions._settle import end_job
from secapi_core.ledger.types import RunReport


async def fail_job(
    session: AsyncSession, job_id: UUID, attempt: int, failure: Failure, report: RunReport | None
) -> JobState:
    """End ``attempt`` with ``failure`` and return what became of the job; raises ``Superseded``.

    Cancelled if that was asked for; failed if another attempt cannot help; else queued again after a random delay
    that grows with each attempt; dead if that was the last.
    """
    job = await lock_job(session, job_id, attempt)
    if job.cancel_requested:
        await end_job(session, job, JobState.CANCELLED, AttemptState.CANCELLED, job.cancellation, report)
        return JobState.CANCELLED
    if not failure.reason.retryable:
        await end_job(session, job, JobState.FAILED, AttemptState.FAILED, failure, report)
        return JobState.FAILED
    used = await count_used_attempts(session, job)
    delay = backoff(used + 1, random.SystemRandom())
    return await retry_or_bury(session, job, AttemptState.FAILED, failure, used=used, delay=delay, report=report)
