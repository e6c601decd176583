"""mark_replayed and purge: somebody has dealt with a dead letter. Its job and scan stay as they ended (promise P1)."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_MARK_REPLAYED = text("""
    UPDATE dead_letters SET replayed_at = now(), replay_scan_id = :scan_id, updated_at = now()
    WHERE id = :id AND replay_scan_id IS DISTINCT FROM :scan_id
""")

_PURGE = text("DELETE FROM dead_letters WHERE id = :id RETURNING id")


async def mark_replayed(session: AsyncSession, letter_id: UUID, scan_id: UUID) -> None:
    """Note that the scan runs the letter's job again; does nothing if that is noted already or the letter is gone."""
    await session.execute(_MARK_REPLAYED, {"id": letter_id, "scan_id": scan_id})


async def purge_dead_letter(session: AsyncSession, letter_id: UUID) -> bool:
    """Take the letter off the list for good; returns false if there is none."""
    return bool((await session.execute(_PURGE, {"id": letter_id})).all())
