"""Uploaded archives."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.tables import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDetail:
    """``object_key`` is where its bytes are in the object store."""

    namespace: str
    digest: str
    size: int
    media_type: str
    object_key: str
    uploaded_by: str
    created_at: datetime


_COLUMNS = [Artifact.__table__.c[name] for name in ArtifactDetail.__dataclass_fields__]


async def get_artifact(session: AsyncSession, namespace: str, digest: str) -> ArtifactDetail | None:
    """The archive, if it was uploaded to ``namespace`` and not deleted."""
    query = select(*_COLUMNS).where(
        Artifact.namespace == namespace, Artifact.digest == digest, Artifact.deleted_at.is_(None)
    )
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else ArtifactDetail(**row)
