"""plan and reject: what becomes of a pending scan. Either enters it if nobody has; the second time does nothing."""

from dataclasses import fields

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.bounded_json import storable_json
from secapi_core.failures import Failure
from secapi_core.ledger.summaries import SUMMARY, note_summary
from secapi_core.ledger.transitions._emit import EMIT_SCAN_ENDED, ENDED
from secapi_core.ledger.transitions._notify import OUTBOX, SCANS
from secapi_core.ledger.transitions.register import scan_columns
from secapi_core.ledger.types import NewScan
from secapi_core.messages import queue_name
from secapi_core.planning import Plan, PlannedJob

_JOB_FIELDS = [field.name for field in fields(PlannedJob)]

# The scan's row comes first and decides; the rest follows from it. Two planners of one scan wait for each other there.
_PLAN = text(f"""
    WITH planned AS (
        INSERT INTO scans (id, namespace, name, spec, scope, priority, submitted_by, state, jobs_total, jobs_open)
        VALUES (:id, :namespace, :name, :spec, :scope, :priority, :submitted_by, 'queued', :jobs_total, :jobs_total)
        ON CONFLICT (id) DO UPDATE
            SET state = 'queued', scope = excluded.scope, jobs_total = excluded.jobs_total,
                jobs_open = excluded.jobs_open, version = scans.version + 1, updated_at = now()
            WHERE scans.state = 'pending'
        RETURNING id, namespace, priority, {SUMMARY} AS summary
    ), specs AS (
        INSERT INTO scanner_specs (digest, name, spec)
        SELECT spec.digest, spec.name, spec.spec
        FROM planned, jsonb_to_recordset(:specs) AS spec (digest text, name text, spec jsonb)
        ORDER BY spec.digest
        ON CONFLICT DO NOTHING
    ), jobs AS (
        INSERT INTO scan_jobs (id, scan_id, namespace, ordinal, scanner, family, scanner_digest, pool, priority,
                               target, target_key, parameters, timeout_seconds, max_attempts, traceparent, state)
        SELECT job.id, planned.id, planned.namespace, job.ordinal, job.scanner, job.family, job.scanner_digest,
               job.pool, planned.priority, job.target, job.target_key, job.parameters, job.timeout_seconds,
               job.max_attempts, :traceparent, 'queued'
        FROM planned, jsonb_to_recordset(:jobs) AS job (
            id uuid, ordinal integer, scanner text, family text, scanner_digest text, pool text, target jsonb,
            target_key text, parameters jsonb, timeout_seconds integer, max_attempts integer
        )
    ), messages AS (
        INSERT INTO outbox (job_id, queue)
        SELECT job.id, job.queue
        FROM planned, jsonb_to_recordset(:jobs) AS job (id uuid, ordinal integer, queue text)
        ORDER BY job.ordinal
    )
    SELECT summary, pg_notify('{OUTBOX}', '') FROM planned
""")  # noqa: S608 - joins constants

_REJECT = text(f"""
    WITH ended AS (
        INSERT INTO scans (id, namespace, name, spec, priority, submitted_by, state, reason, message, completed_at)
        VALUES (:id, :namespace, :name, :spec, :priority, :submitted_by, 'failed', :reason, :message, now())
        ON CONFLICT (id) DO UPDATE
            SET state = 'failed', reason = excluded.reason, message = excluded.message, completed_at = now(),
                version = scans.version + 1, updated_at = now()
            WHERE scans.state = 'pending'
        RETURNING {ENDED}, {SUMMARY} AS summary
    ), {EMIT_SCAN_ENDED}
    SELECT summary, pg_notify('{SCANS}', namespace || '/' || name), (SELECT count(*) FROM announced) FROM ended
""")  # noqa: S608 - joins constants


async def plan_scan(session: AsyncSession, scan: NewScan, plan: Plan, *, traceparent: str | None = None) -> bool:
    """Make ``scan`` queued with the plan's jobs and a message for each. ``traceparent`` is what the jobs go on with.

    Returns whether this call did it: false if the scan was planned, rejected or cancelled before.
    """
    if not plan.jobs:
        raise ValueError("a plan without jobs would leave a scan that never ends")
    jobs = [
        {name: getattr(job, name) for name in _JOB_FIELDS}
        | {"target": job.target.to_wire(), "queue": queue_name(job.pool, scan.spec.priority)}
        for job in plan.jobs
    ]
    names = {job.scanner_digest: job.scanner for job in plan.jobs}
    specs = [
        {"digest": digest, "name": name, "spec": plan.scanner_specs[digest].to_wire()} for digest, name in names.items()
    ]
    parameters = scan_columns(scan) | {
        "scope": storable_json(plan.scope.to_wire()),
        "jobs_total": len(jobs),
        "jobs": storable_json(jobs),
        "specs": storable_json(specs),
        "traceparent": traceparent,
    }
    return note_summary(session, (await session.execute(_PLAN, parameters)).scalar_one_or_none())


async def reject_scan(session: AsyncSession, scan: NewScan, failure: Failure) -> bool:
    """End a pending ``scan`` as failed without jobs; returns whether this call did it."""
    parameters = scan_columns(scan) | {"reason": failure.reason, "message": failure.message}
    return note_summary(session, (await session.execute(_REJECT, parameters)).scalar_one_or_none())
