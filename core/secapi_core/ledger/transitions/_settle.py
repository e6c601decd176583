"""How a running job ends, and with the last of them its scan.

A scan's row counts its open jobs. Every transition that ends jobs takes them off that counter under the row's lock,
so exactly one of them sees it reach zero, and that one settles the scan in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.bounded_json import storable_json
from secapi_core.failures import MESSAGE_LIMIT, Failure
from secapi_core.findings import Severity
from secapi_core.ledger.states import AttemptState, JobState, ScanState
from secapi_core.ledger.summaries import SUMMARY, note_summary
from secapi_core.ledger.transitions._emit import EMIT_SCAN_ENDED, ENDED
from secapi_core.ledger.transitions._fence import OwnedJob
from secapi_core.ledger.transitions._notify import SCANS
from secapi_core.ledger.types import IngestCounts, RunReport

END_ATTEMPT = """
    UPDATE attempts
    SET state = :attempt_state, reason = :reason, message = :message, exit_code = :exit_code, log_tail = :log_tail,
        stats = :stats, finished_at = now()
    WHERE job_id = :job_id AND attempt = :attempt
"""

_END_JOB = text(f"""
    WITH attempt AS ({END_ATTEMPT}), job AS (
        UPDATE scan_jobs
        SET state = :job_state, lease_until = NULL, finished_at = now(), reason = :reason, message = :message,
            findings = :findings, quarantined = :quarantined
        WHERE id = :job_id
        RETURNING scan_id
    )
    UPDATE scans
    SET jobs_open = jobs_open - 1,
        jobs_succeeded = jobs_succeeded + (:job_state = 'succeeded')::integer,
        jobs_failed = jobs_failed + (:job_state IN ('failed', 'dead'))::integer,
        jobs_cancelled = jobs_cancelled + (:job_state = 'cancelled')::integer,
        findings_critical = findings_critical + :critical,
        findings_high = findings_high + :high,
        findings_medium = findings_medium + :medium,
        findings_low = findings_low + :low,
        findings_info = findings_info + :info,
        findings_new = findings_new + :new,
        version = version + 1,
        updated_at = now()
    FROM job
    WHERE scans.id = job.scan_id
    RETURNING scans.jobs_open, {SUMMARY} AS summary
""")  # noqa: S608 - joins constants

# A statement of its own: it must see what jobs committed while the statement before it waited for the scan's row.
_SETTLE = text(f"""
    WITH first_failed AS (
        SELECT reason, scanner, target_key, message
        FROM scan_jobs
        WHERE scan_id = :scan_id AND state IN ('failed', 'dead')
        ORDER BY ordinal
        LIMIT 1
    ), worst AS (
        SELECT severity
        FROM sightings
        WHERE scan_id = :scan_id
          AND (is_new OR NOT (
              SELECT coalesce((spec -> 'gate' -> 'onlyNew')::boolean, false) FROM scans WHERE id = :scan_id
          ))
        ORDER BY severity
        LIMIT 1
    ), ended AS (
        UPDATE scans
        SET state = CASE
                WHEN jobs_cancelled > 0 THEN 'cancelled'
                WHEN jobs_failed > 0 THEN 'failed'
                ELSE 'succeeded'
            END,
            reason = CASE WHEN jobs_cancelled > 0 THEN scans.reason ELSE first_failed.reason END,
            message = CASE
                WHEN jobs_cancelled > 0 THEN scans.message
                WHEN jobs_failed > 0 THEN left(
                    format('%s of %s jobs failed; %s on %s: %s', jobs_failed, jobs_total, first_failed.scanner,
                           first_failed.target_key, first_failed.message),
                    {MESSAGE_LIMIT})
            END,
            gate_passed = CASE
                WHEN NOT spec ? 'gate' THEN NULL
                WHEN (SELECT severity FROM worst) <= (spec -> 'gate' ->> 'failOn')::severity THEN false
                -- What failed or was cancelled might have found something.
                WHEN jobs_succeeded = jobs_total THEN true
            END,
            completed_at = now(),
            version = version + 1,
            updated_at = now()
        FROM (SELECT) AS always LEFT JOIN first_failed ON true
        WHERE scans.id = :scan_id
        RETURNING {ENDED}, {SUMMARY} AS summary
    ), {EMIT_SCAN_ENDED}
    SELECT state, summary, pg_notify('{SCANS}', namespace || '/' || name), (SELECT count(*) FROM announced) FROM ended
""")  # noqa: S608 - joins constants


@dataclass(frozen=True, slots=True)
class ScanGain:
    """Sightings that a job adds to its scan's counts; one that another job of the scan reported too is not counted."""

    by_severity: Mapping[Severity, int]
    new: int


NO_COUNTS = IngestCounts(0, 0, {}, 0)
NO_GAIN = ScanGain({}, 0)


async def end_job(
    session: AsyncSession,
    job: OwnedJob,
    state: JobState,
    attempt_state: AttemptState,
    failure: Failure | None = None,
    report: RunReport | None = None,
    counts: IngestCounts = NO_COUNTS,
    gain: ScanGain = NO_GAIN,
) -> None:
    """End a locked job and its attempt, add to the scan's counters, and settle the scan if this was its last job."""
    parameters = attempt_columns(job, attempt_state, failure, report) | {
        "job_state": state,
        "findings": counts.seen,
        "quarantined": counts.quarantined,
        "new": gain.new,
        **{severity.value: gain.by_severity.get(severity, 0) for severity in Severity},
    }
    scan = (await session.execute(_END_JOB, parameters)).one()
    note_summary(session, scan.summary)
    if scan.jobs_open == 0:
        await settle_scan(session, job.scan_id)


async def settle_scan(session: AsyncSession, scan_id: UUID) -> ScanState:
    """Give a scan whose last open job has just ended its terminal state, reason and gate, and tell whoever wants it.

    The caller has taken the last job off the counter in this transaction, so it holds the scan's row.
    """
    settled = (await session.execute(_SETTLE, {"scan_id": scan_id})).one()
    note_summary(session, settled.summary)
    return ScanState(settled.state)


def attempt_columns(
    job: OwnedJob, state: AttemptState, failure: Failure | None, report: RunReport | None
) -> dict[str, object]:
    """The statement parameters with which an attempt ends."""
    return {
        "job_id": job.id,
        "attempt": job.attempt,
        "attempt_state": state,
        "reason": failure.reason if failure else None,
        "message": failure.message if failure else None,
        "exit_code": report.exit_code if report else None,
        "log_tail": report.log_tail if report else None,
        "stats": storable_json(report.stats) if report else None,
    }
