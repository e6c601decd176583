"""Uploaded archives: one by digest, those that a scan names, and pages of them, newest first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.tables import Artifact
from secapi_core.paging import InvalidCursor, Page, decode_cursor, encode_cursor


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
_KEPT = select(*_COLUMNS).where(Artifact.deleted_at.is_(None))


async def get_artifact(session: AsyncSession, namespace: str, digest: str) -> ArtifactDetail | None:
    """The archive, if it was uploaded to ``namespace`` and not deleted."""
    query = _KEPT.where(Artifact.namespace == namespace, Artifact.digest == digest)
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else ArtifactDetail(**row)


async def get_artifacts(session: AsyncSession, namespace: str, digests: Sequence[str]) -> list[ArtifactDetail]:
    """Those of ``digests`` that ``namespace`` has, each once, in the order in which they are first named."""
    query = _KEPT.where(Artifact.namespace == namespace, Artifact.digest.in_(digests))
    found = [ArtifactDetail(**row) for row in (await session.execute(query)).mappings()]
    return sorted(found, key=lambda artifact: digests.index(artifact.digest))


async def list_artifacts(
    session: AsyncSession, namespaces: Collection[str] | None, cursor: str | None, limit: int
) -> Page[ArtifactDetail]:
    """A page of at most ``limit`` archives of ``namespaces`` (``None``: of all), newest first; raises InvalidCursor."""
    key = (Artifact.created_at, Artifact.digest, Artifact.namespace)
    query = _KEPT.order_by(*(column.desc() for column in key)).limit(limit + 1)
    if namespaces is not None:
        query = query.where(Artifact.namespace.in_(namespaces))
    if cursor is not None:
        query = query.where(tuple_(*key) < _position(cursor))
    found = [ArtifactDetail(**row) for row in (await session.execute(query)).mappings()]
    last = found[limit - 1] if len(found) > limit else None
    following = encode_cursor(last.created_at.isoformat(), last.digest, last.namespace) if last else None
    return Page(found[:limit], following)


def _position(cursor: str) -> tuple[datetime, str, str]:
    created_at, digest, namespace = decode_cursor(cursor, 3)
    try:
        if "\x00" in digest + namespace:
            raise ValueError("Postgres knows no such text")
        return datetime.fromisoformat(created_at).astimezone(UTC), digest, namespace
    except (ValueError, OverflowError) as error:
        raise InvalidCursor("this is not a cursor of a list of artifacts") from error
