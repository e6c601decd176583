"""cancel: somebody no longer wants a scan. What has not begun ends now; what runs is asked to stop (promise P8)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.errors import Superseded
from secapi_core.failures import Failure
from secapi_core.ledger.states import AttemptState, JobState, ScanState
from secapi_core.ledger.summaries import SUMMARY, note_summary
from secapi_core.ledger.transitions._emit import EMIT_SCAN_ENDED, ENDED
from secapi_core.ledger.transitions._fence import lock_job
from secapi_core.ledger.transitions._notify import CANCEL, SCANS
from secapi_core.ledger.transitions._settle import end_job, settle_scan

_LOCK_OPEN_JOBS = text("""
    SELECT id FROM scan_jobs
    WHERE scan_id = :scan_id AND state IN ('queued', 'running')
    ORDER BY id
    FOR NO KEY UPDATE
""")

_CANCEL_PENDING = text(f"""
    WITH ended AS (
        UPDATE scans
        SET state = 'cancelled', reason = :reason, message = :message, cancel_requested_at = now(),
            completed_at = now(), version = version + 1, updated_at = now()
        WHERE id = :scan_id AND state = 'pending'
        RETURNING {ENDED}, {SUMMARY} AS summary
    ), {EMIT_SCAN_ENDED}
    SELECT summary, pg_notify('{SCANS}', namespace || '/' || name), (SELECT count(*) FROM announced) FROM ended
""")  # noqa: S608 - joins constants

_STATE = text("SELECT state FROM scans WHERE id = :scan_id")

# The second cancellation of a scan finds nothing queued and every running job asked already: its reason is not taken.
# Notifications are counted and returned because Postgres does not evaluate what nobody reads.
_CANCEL_JOBS = text(f"""
    WITH asked AS (
        UPDATE scan_jobs SET cancel_requested = true, reason = :reason, message = :message
        WHERE id = ANY (:job_ids) AND state = 'running' AND NOT cancel_requested
        RETURNING id
    ), cancelled AS (
        UPDATE scan_jobs SET state = 'cancelled', finished_at = now(), reason = :reason, message = :message
        WHERE id = ANY (:job_ids) AND state = 'queued'
        RETURNING id
    ), notified AS (
        SELECT pg_notify('{CANCEL}', id::text) FROM asked
    ), count AS (
        SELECT (SELECT count(*) FROM cancelled) AS cancelled, (SELECT count(*) FROM notified) AS notified
    )
    UPDATE scans
    SET jobs_open = jobs_open - count.cancelled,
        jobs_cancelled = jobs_cancelled + count.cancelled,
        reason = CASE WHEN cancel_requested_at IS NULL THEN :reason ELSE reason END,
        message = CASE WHEN cancel_requested_at IS NULL THEN :message ELSE message END,
        cancel_requested_at = coalesce(cancel_requested_at, now()),
        version = version + 1,
        updated_at = now()
    FROM count
    WHERE id = :scan_id
    RETURNING state, jobs_open, count.notified, {SUMMARY} AS summary
""")  # noqa: S608 - joins constants


async def cancel_scan(session: AsyncSession, scan_id: UUID, failure: Failure) -> ScanState | None:
    """Cancel what is queued, ask what runs to stop, and return the scan's state after that.

    A scan without running jobs is cancelled at once. ``None``: no such scan. A scan that has ended stays as it is.
    """
    parameters = {"scan_id": scan_id, "reason": failure.reason, "message": failure.message}
    while True:
        job_ids: Sequence[UUID] = (await session.execute(_LOCK_OPEN_JOBS, parameters)).scalars().all()
        if job_ids:
            row = (await session.execute(_CANCEL_JOBS, parameters | {"job_ids": job_ids})).one()
            note_summary(session, row.summary)
            return await settle_scan(session, scan_id) if row.jobs_open == 0 else ScanState(row.state)
        if note_summary(session, (await session.execute(_CANCEL_PENDING, parameters)).scalar_one_or_none()):
            return ScanState.CANCELLED
        state = (await session.execute(_STATE, parameters)).scalar_one_or_none()
        if state is None or ScanState(state).terminal:
            return None if state is None else ScanState(state)
        # Planned after we looked for jobs and before we looked at the scan: now there are jobs to find.


async def cancel_job(session: AsyncSession, job_id: UUID, attempt: int) -> None:
    """The worker has killed the scanner of a job that was asked to stop; does nothing if ``attempt`` lost the job."""
    try:
        job = await lock_job(session, job_id, attempt)
    except Superseded:
        return
    await end_job(session, job, JobState.CANCELLED, AttemptState.CANCELLED, job.cancellation)
