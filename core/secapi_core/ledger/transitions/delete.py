"""delete: a finished scan disappears from view; its findings stay until retention removes them."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.summaries import SUMMARY, note_summary

_DELETE = text(f"""
    UPDATE scans SET deleted_at = now(), version = version + 1, updated_at = now()
    WHERE id = :scan_id AND completed_at IS NOT NULL AND deleted_at IS NULL
    RETURNING {SUMMARY}
""")  # noqa: S608 - joins a constant


async def delete_scan(session: AsyncSession, scan_id: UUID) -> bool:
    """Hide a scan that has ended; returns false if there is none, it has not ended, or it is hidden already."""
    return note_summary(session, (await session.execute(_DELETE, {"scan_id": scan_id})).scalar_one_or_none())
