"""The jobs of a scan."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.states import JobState
from secapi_core.ledger.tables import ScanJob


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail:
    """A job as people see it; ``target`` is camelCase as in the custom resource.

    A queued or running job's ``reason`` is that of its last attempt, or of the cancellation it was asked for.
    """

    id: UUID
    ordinal: int
    scanner: str
    pool: str
    target: dict[str, Any]
    target_key: str
    parameters: dict[str, Any]
    state: JobState
    attempt: int
    max_attempts: int
    worker: str | None
    progress: dict[str, Any] | None
    cancel_requested: bool
    reason: str | None
    message: str | None
    findings: int
    quarantined: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


_COLUMNS = [ScanJob.__table__.c[name] for name in JobDetail.__dataclass_fields__]


async def list_jobs(session: AsyncSession, scan_id: UUID) -> list[JobDetail]:
    """All jobs of the scan in the order of its plan; there are never more than a plan may have."""
    query = select(*_COLUMNS).where(ScanJob.scan_id == scan_id).order_by(ScanJob.ordinal)
    rows = (await session.execute(query)).mappings()
    return [JobDetail(**dict(row) | {"state": JobState(row["state"])}) for row in rows]
