"""record_artifact: an archive is in the object store and may be scanned."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_RECORD = text("""
    INSERT INTO artifacts (namespace, digest, size, media_type, object_key, uploaded_by)
    VALUES (:namespace, :digest, :size, :media_type, :object_key, :uploaded_by)
    ON CONFLICT (namespace, digest) DO UPDATE SET deleted_at = NULL, object_key = excluded.object_key
""")


async def record_artifact(
    session: AsyncSession,
    *,
    namespace: str,
    digest: str,
    size: int,
    media_type: str,
    object_key: str,
    uploaded_by: str,
) -> None:
    """Enter an uploaded archive; uploading the same bytes again changes nothing but brings back a deleted one."""
    parameters = {
        "namespace": namespace,
        "digest": digest,
        "size": size,
        "media_type": media_type,
        "object_key": object_key,
        "uploaded_by": uploaded_by,
    }
    await session.execute(_RECORD, parameters)
