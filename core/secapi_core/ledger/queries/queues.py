"""How much work waits: for autoscaling, for metrics, and for the sweeper that compares with the broker."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.messages import DELIVERIES, Priority, queue_name


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """One pool and priority. ``queued`` counts jobs that wait for their next attempt too; the age is of due ones."""

    pool: str
    priority: Priority
    queued: int
    running: int
    oldest_age_seconds: float


_DEPTHS = text("""
    SELECT pool, priority,
           count(*) FILTER (WHERE state = 'queued') AS queued,
           count(*) FILTER (WHERE state = 'running') AS running,
           coalesce(extract(epoch FROM now() - min(not_before) FILTER (WHERE state = 'queued')), 0) AS age
    FROM (
        SELECT pool, priority, 'queued' AS state, not_before FROM scan_jobs WHERE state = 'queued'
        UNION ALL
        SELECT pool, priority, 'running', NULL FROM scan_jobs WHERE state = 'running'
    ) AS open_jobs
    GROUP BY pool, priority
""")

_DUE = text("""
    SELECT pool, priority, count(*) AS due FROM scan_jobs
    WHERE state = 'queued' AND not_before <= now()
    GROUP BY pool, priority
""")

_DUE_DELIVERIES = text("SELECT count(*) FROM deliveries WHERE state = 'pending' AND not_before <= now()")


async def queue_depths(session: AsyncSession) -> list[QueueDepth]:
    """Every pool and priority with an open job."""
    rows = await session.execute(_DEPTHS)
    return [
        QueueDepth(row.pool, Priority(row.priority), row.queued, row.running, max(float(row.age), 0.0)) for row in rows
    ]


async def queued_due_by_queue(session: AsyncSession) -> dict[str, int]:
    """Celery queue → jobs, or deliveries, that a worker could claim now; queues without any are left out."""
    rows = await session.execute(_DUE)
    due = {queue_name(row.pool, Priority(row.priority)): row.due for row in rows}
    deliveries = (await session.execute(_DUE_DELIVERIES)).scalar_one()
    return due | {DELIVERIES: deliveries} if deliveries else due
