"""keep_outcome: a submission that is sent again within two days is answered with the scan that it had."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Each new key takes up to two old ones with it, so they never pile up and nobody has to come and clean.
_KEEP = text("""
    WITH over AS (
        DELETE FROM idempotency_keys
        WHERE key IN (
            SELECT key FROM idempotency_keys
            WHERE created_at < now() - interval '48 hours'
            ORDER BY created_at
            LIMIT 2
            FOR UPDATE SKIP LOCKED
        )
    )
    INSERT INTO idempotency_keys (key, mark, scan_id) VALUES (:key, :mark, :scan_id)
    ON CONFLICT (key) DO UPDATE SET mark = excluded.mark, scan_id = excluded.scan_id, created_at = now()
    WHERE idempotency_keys.scan_id <> excluded.scan_id
""")


async def keep_outcome(session: AsyncSession, *, key: str, mark: str, scan_id: UUID) -> None:
    """Remember ``scan_id`` as the outcome, instead of one that was deleted."""
    await session.execute(_KEEP, {"key": key, "mark": mark, "scan_id": scan_id})
