"""What becomes of a job whose attempt did not work out: another attempt, or the dead-letter list (promise P7)."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.failures import Failure
from secapi_core.ledger.states import AttemptState, JobState
from secapi_core.ledger.transitions._fence import OwnedJob
from secapi_core.ledger.transitions._notify import OUTBOX
from secapi_core.ledger.transitions._settle import END_ATTEMPT, attempt_columns, end_job
from secapi_core.ledger.types import RunReport

# Attempts that a draining worker gave back cost the job nothing.
_COUNT_USED = text("SELECT count(*) FROM attempts WHERE job_id = :job_id AND state IN ('failed', 'lost')")

_REQUEUE = text(f"""
    WITH attempt AS ({END_ATTEMPT}), job AS (
        UPDATE scan_jobs
        SET state = 'queued', lease_until = NULL, worker = NULL, progress = NULL, not_before = now() + :delay,
            reason = :reason, message = :message
        WHERE id = :job_id
        RETURNING id, not_before
    ), queued AS (
        INSERT INTO outbox (job_id, queue, not_before) SELECT id, :queue, not_before FROM job RETURNING id
    )
    SELECT pg_notify('{OUTBOX}', '') FROM queued
""")  # noqa: S608 - joins constants

_BURY = text("""
    INSERT INTO dead_letters (id, job_id, scan_id, namespace, scanner, attempts, reason, message, worker)
    VALUES (:id, :job_id, :scan_id, :namespace, :scanner, :attempts, :reason, :message, :worker)
""")


async def count_used_attempts(session: AsyncSession, job: OwnedJob) -> int:
    """Attempts of a locked job that were spent before the present one."""
    used: int = (await session.execute(_COUNT_USED, {"job_id": job.id})).scalar_one()
    return used


async def retry_or_bury(
    session: AsyncSession,
    job: OwnedJob,
    attempt_state: AttemptState,
    failure: Failure,
    *,
    used: int,
    delay: timedelta,
    report: RunReport | None = None,
) -> JobState:
    """End the attempt of a locked job; queue the job again after ``delay`` unless the attempt was its last.

    ``used`` counts the attempts spent before this one.
    """
    if used + 1 < job.max_attempts:
        await requeue(session, job, attempt_state, failure, report=report, delay=delay)
        return JobState.QUEUED
    await end_job(session, job, JobState.DEAD, attempt_state, failure, report)
    parameters = {
        "id": uuid7(),
        "job_id": job.id,
        "scan_id": job.scan_id,
        "namespace": job.namespace,
        "scanner": job.scanner,
        "attempts": used + 1,
        "reason": failure.reason,
        "message": failure.message,
        "worker": job.worker,
    }
    await session.execute(_BURY, parameters)
    return JobState.DEAD


async def requeue(
    session: AsyncSession,
    job: OwnedJob,
    attempt_state: AttemptState,
    failure: Failure | None,
    *,
    report: RunReport | None = None,
    delay: timedelta = timedelta(0),
) -> None:
    """End the attempt of a locked job and queue the job again, with a message due after ``delay``."""
    parameters = attempt_columns(job, attempt_state, failure, report) | {"queue": job.queue, "delay": delay}
    await session.execute(_REQUEUE, parameters)
