"""The outcome of an earlier submission."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Outcome:
    """``mark`` identifies the submission: another one may have used its key."""

    mark: str
    scan_id: UUID


_FIND = text("""
    SELECT idempotency_keys.mark, idempotency_keys.scan_id
    FROM idempotency_keys JOIN scans ON scans.id = scan_id
    WHERE key = :key AND scans.deleted_at IS NULL
""")


async def find_outcome(session: AsyncSession, key: str) -> Outcome | None:
    """What ``key`` was used for, unless that is forgotten or deleted."""
    row = (await session.execute(_FIND, {"key": key})).one_or_none()
    return None if row is None else Outcome(row.mark, row.scan_id)
