"""heartbeat: a worker says that it is alive, and hears whether it should stop."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.bounded_json import bounded_json
from secapi_core.ledger.types import Heartbeat

PROGRESS_LIMIT = 4_096
"""Bytes of progress that a job keeps."""

_EXTEND = text("""
    UPDATE scan_jobs
    SET lease_until = now() + make_interval(secs => :lease_seconds), progress = coalesce(:progress, progress)
    WHERE id = :job_id AND attempt = :attempt AND state = 'running'
    RETURNING cancel_requested
""")


async def extend_lease(
    session: AsyncSession, job_id: UUID, attempt: int, *, lease_seconds: float, progress: dict[str, Any] | None
) -> Heartbeat | None:
    """Hold the job for another ``lease_seconds`` from now; ``progress`` replaces what was shown before.

    ``None``: the attempt no longer owns the job; the worker kills its scanner and forgets. While the same attempt
    commits its findings the job's row is locked, and a heartbeat waits for it.
    """
    shown = None if progress is None else bounded_json(progress, PROGRESS_LIMIT)
    parameters = {"job_id": job_id, "attempt": attempt, "lease_seconds": lease_seconds, "progress": shown}
    cancel_requested = (await session.execute(_EXTEND, parameters)).scalar_one_or_none()
    return None if cancel_requested is None else Heartbeat(cancel_requested)
