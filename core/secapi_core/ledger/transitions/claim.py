"""claim: a worker takes a queued job, or learns that there is nothing to do."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanrequest import Target
from secapi_core.ledger.summaries import SUMMARY, note_summary
from secapi_core.ledger.transitions._notify import SCANS
from secapi_core.ledger.types import ClaimedJob
from secapi_core.messages import Priority
from secapi_core.targets import Scope

# Notifications are counted and returned because Postgres does not evaluate what nobody reads.
_CLAIM = text(f"""
    WITH job AS (
        UPDATE scan_jobs
        SET state = 'running', attempt = attempt + 1, worker = :worker, progress = NULL, reason = NULL, message = NULL,
            lease_until = now() + make_interval(secs => :lease_seconds), started_at = coalesce(started_at, now())
        WHERE id = :job_id AND state = 'queued' AND not_before <= now()
        RETURNING *
    ), attempt AS (
        INSERT INTO attempts (job_id, attempt, worker, state) SELECT id, attempt, worker, 'running' FROM job
    ), started AS (
        UPDATE scans
        SET state = 'running', started_at = now(), version = scans.version + 1, updated_at = now()
        FROM job
        WHERE scans.id = job.scan_id AND scans.state = 'queued'
        RETURNING scans.namespace, scans.name, {SUMMARY} AS summary
    ), notified AS (
        SELECT pg_notify('{SCANS}', namespace || '/' || name) FROM started
    )
    SELECT job.id, job.scan_id, job.namespace, job.scanner, job.family, spec.spec, scans.scope, job.target,
           job.target_key, job.parameters, job.timeout_seconds, job.attempt, job.max_attempts, job.priority, job.pool,
           job.created_at, job.traceparent, now() AS claimed_at, (SELECT count(*) FROM notified) AS notified,
           (SELECT summary FROM started) AS summary
    FROM job
    JOIN scanner_specs AS spec ON spec.digest = job.scanner_digest
    JOIN scans ON scans.id = job.scan_id
""")  # noqa: S608 - joins constants


async def claim_job(session: AsyncSession, job_id: UUID, *, worker: str, lease_seconds: float) -> ClaimedJob | None:
    """Own ``job_id`` for ``lease_seconds`` as its next attempt; the first claim of a scan makes the scan running.

    ``None``: somebody else has it, it ended, or it is not due yet; the message that led here can be dropped.
    """
    parameters = {"job_id": job_id, "worker": worker, "lease_seconds": lease_seconds}
    row = (await session.execute(_CLAIM, parameters)).mappings().one_or_none()
    if row is None:
        return None
    note_summary(session, row["summary"])
    values = {name: value for name, value in row.items() if name not in ("notified", "summary")}
    return ClaimedJob(
        **values
        | {
            "spec": ScannerSpec.model_validate(row["spec"]),
            "scope": Scope.model_validate(row["scope"]),
            "target": Target.model_validate(row["target"]),
            "priority": Priority(row["priority"]),
        }
    )
