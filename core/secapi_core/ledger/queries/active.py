"""Scans that have not ended: for quotas, and for the sweeper that looks for orphans."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class OpenScan(NamedTuple):
    """What identifies a scan's custom resource."""

    id: UUID
    namespace: str
    name: str


_COUNT = text("SELECT count(*) FROM scans WHERE namespace = :namespace AND completed_at IS NULL")

_OPEN = text("""
    SELECT id, namespace, name FROM scans
    WHERE completed_at IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after)
    ORDER BY id
    LIMIT :limit
""")


async def count_active(session: AsyncSession, namespace: str) -> int:
    """Scans of ``namespace`` that have not ended."""
    count: int = (await session.execute(_COUNT, {"namespace": namespace})).scalar_one()
    return count


async def open_scan_ids(session: AsyncSession, after: UUID | None, limit: int) -> list[OpenScan]:
    """At most ``limit`` scans that have not ended, by id, beginning after ``after``."""
    rows = await session.execute(_OPEN, {"after": after, "limit": limit})
    return [OpenScan(*row) for row in rows]
