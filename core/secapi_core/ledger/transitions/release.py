"""release: a worker that is shutting down gives its job back."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.errors import Superseded
from secapi_core.ledger.states import AttemptState, JobState
from secapi_core.ledger.transitions._fence import lock_job
from secapi_core.ledger.transitions._retry import requeue
from secapi_core.ledger.transitions._settle import end_job


async def release_job(session: AsyncSession, job_id: UUID, attempt: int) -> None:
    """Queue the job again at once, at no cost to its attempts; a job that should stop is cancelled instead.

    Does nothing if ``attempt`` does not own the job any more.
    """
    try:
        job = await lock_job(session, job_id, attempt)
    except Superseded:
        return
    if job.cancel_requested:
        await end_job(session, job, JobState.CANCELLED, AttemptState.RELEASED, job.cancellation)
    else:
        await requeue(session, job, AttemptState.RELEASED, None)
