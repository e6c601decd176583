"""dispatch: the outbox on its way to the broker.

A message may be sent twice or lost: the second claim finds nothing to do, and ``redispatch`` replaces lost ones.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.transitions._emit import SEND
from secapi_core.ledger.transitions._notify import OUTBOX
from secapi_core.ledger.types import OutboxItem
from secapi_core.messages import DELIVER_EVENT, DELIVERIES, RUN_JOB

_TAKE = text("""
    SELECT id, job_id, delivery_id, queue FROM outbox
    WHERE not_before <= now()
    ORDER BY not_before, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
""")

# The time is a hint for the sweeper: a job that somebody is just claiming or cancelling does not need it.
_MARK = text("""
    WITH sent AS (
        DELETE FROM outbox WHERE id = ANY (:ids)
    ), waiting AS (
        SELECT id FROM scan_jobs WHERE id = ANY (:job_ids) AND state = 'queued' FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE scan_jobs SET dispatched_at = now() FROM waiting WHERE scan_jobs.id = waiting.id
""")

_NEXT_DUE = text("""
    SELECT greatest(not_before - clock_timestamp(), interval '0') FROM outbox ORDER BY not_before, id LIMIT 1
""")

_REDISPATCH = text(f"""
    WITH lost AS (
        SELECT id FROM scan_jobs AS job
        WHERE pool = :pool AND priority = :priority AND state = 'queued' AND not_before <= now()
          AND coalesce(dispatched_at, created_at) < now() - CAST(:older_than AS interval)
          AND NOT EXISTS (SELECT FROM outbox WHERE outbox.job_id = job.id)
        ORDER BY not_before
        LIMIT :missing
    ), queued AS (
        INSERT INTO outbox (job_id, queue) SELECT id, :queue FROM lost RETURNING id
    )
    SELECT pg_notify('{OUTBOX}', '') FROM queued
""")  # noqa: S608 - channel names are constants

# Also what a worker took and never told the end of: its time is up, so it is due again.
_REDISPATCH_DELIVERIES = text(f"""
    WITH delivery AS (
        SELECT id, now() AS not_before FROM deliveries
        WHERE state = 'pending' AND not_before <= now() - CAST(:older_than AS interval)
          AND NOT EXISTS (SELECT FROM outbox WHERE outbox.delivery_id = deliveries.id)
        ORDER BY deliveries.not_before
        LIMIT :missing
    ), {SEND}
    SELECT * FROM announced
""")  # noqa: S608 - joins constants


async def take_outbox(session: AsyncSession, limit: int) -> list[OutboxItem]:
    """At most ``limit`` due messages, the longest due first, which nobody else takes until this transaction ends.

    Publish them, then ``mark_dispatched`` in the same transaction.
    """
    rows = await session.execute(_TAKE, {"limit": limit})
    return [
        OutboxItem(row.id, RUN_JOB, row.job_id, row.queue)
        if row.delivery_id is None
        else OutboxItem(row.id, DELIVER_EVENT, row.delivery_id, row.queue)
        for row in rows
    ]


async def mark_dispatched(session: AsyncSession, items: Sequence[OutboxItem]) -> None:
    """Forget messages that have been published and note on their jobs when."""
    job_ids = [item.subject_id for item in items if item.task == RUN_JOB]
    await session.execute(_MARK, {"ids": [item.id for item in items], "job_ids": job_ids})


async def next_due(session: AsyncSession) -> timedelta | None:
    """Time until a message is due, zero if one is; ``None`` if the outbox is empty."""
    due: timedelta | None = (await session.execute(_NEXT_DUE)).scalar_one_or_none()
    return due


async def redispatch(session: AsyncSession, queue: str, *, missing: int, older_than: timedelta) -> int:
    """Put messages for ``queue`` in the outbox again that the broker seems to have lost; returns how many.

    At most ``missing``, for jobs that are due, have no message waiting and had their last one sent before
    ``older_than`` ago; for deliveries that have been due for as long.
    """
    if queue == DELIVERIES:
        again = await session.execute(_REDISPATCH_DELIVERIES, {"missing": missing, "older_than": older_than})
        return len(again.all())
    pool, _, priority = queue.removeprefix("scan.").rpartition(".")
    parameters = {"queue": queue, "pool": pool, "priority": priority, "missing": missing, "older_than": older_than}
    return len((await session.execute(_REDISPATCH, parameters)).all())
