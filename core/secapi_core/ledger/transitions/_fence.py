"""The fence: proof, held until the transaction ends, that an attempt still owns its job (promise P2)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.errors import Superseded
from secapi_core.failures import Failure, FailureReason
from secapi_core.messages import Priority, queue_name


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedJob:
    """A running job whose row this transaction has locked."""

    id: UUID
    scan_id: UUID
    namespace: str
    scanner: str
    pool: str
    priority: Priority
    attempt: int
    max_attempts: int
    worker: str
    cancel_requested: bool
    reason: str | None
    message: str | None

    @property
    def queue(self) -> str:
        """The Celery queue for this job's messages."""
        return queue_name(self.pool, self.priority)

    @property
    def cancellation(self) -> Failure:
        """Why the job was asked to stop, as written by whoever asked."""
        return Failure(FailureReason(self.reason or FailureReason.CANCELLED), self.message or "")


OWNED_COLUMNS = ", ".join(OwnedJob.__dataclass_fields__)

_LOCK = text(f"""
    SELECT {OWNED_COLUMNS} FROM scan_jobs
    WHERE id = :job_id AND attempt = :attempt AND state = 'running'
    FOR NO KEY UPDATE
""")  # noqa: S608 - column names are constants


async def lock_job(session: AsyncSession, job_id: UUID, attempt: int) -> OwnedJob:
    """Lock the job's row, on which every other transition of the job then waits; raises ``Superseded``."""
    row = (await session.execute(_LOCK, {"job_id": job_id, "attempt": attempt})).mappings().one_or_none()
    if row is None:
        raise Superseded(f"attempt {attempt} no longer owns job {job_id}")
    return owned_job(row)


def owned_job(row: RowMapping) -> OwnedJob:
    """A locked row as a value."""
    values: dict[str, Any] = dict(row)
    return OwnedJob(**values | {"priority": Priority(row["priority"])})
