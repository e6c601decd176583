"""API keys: who one belongs to, and pages of those that there are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.api_key_secrets import Secret
from secapi_core.ledger.queries._pages import newest_first
from secapi_core.ledger.tables import ApiKey
from secapi_core.paging import Page


@dataclass(frozen=True, slots=True)
class ApiKeyIdentity:
    """The owner of a key, which expires in ``seconds_left``, if at all; ``namespace`` is ``None`` for the platform."""

    id: UUID
    name: str
    namespace: str | None
    role: str
    scopes: Collection[str] = ()
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyDetail:
    """What people may know of a key: all but what proves it."""

    id: UUID
    name: str
    prefix: str
    namespace: str | None
    role: str
    scopes: list[str]
    created_by: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


_DETAIL = [ApiKey.__table__.c[name] for name in ApiKeyDetail.__dataclass_fields__]

_FIND = text("""
    SELECT id, name, namespace, role, scopes, digest,
           last_used_at IS NULL OR last_used_at < now() - interval '1 hour' AS seldom_used,
           CAST(extract(epoch FROM expires_at - now()) AS double precision) AS seconds_left
    FROM api_keys
    WHERE prefix = :prefix AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
""")

# To the hour is enough to find keys that nobody uses, and spares a write with every request.
_TOUCH = text("""
    UPDATE api_keys SET last_used_at = now()
    WHERE id = (SELECT id FROM api_keys WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED)
""")


async def verify_api_key(session: AsyncSession, secret: str, pepper: bytes) -> ApiKeyIdentity | None:
    """The owner of ``secret``; ``None`` if it is malformed, unknown, expired or revoked."""
    parsed = Secret.parse(secret)
    row = (await session.execute(_FIND, {"prefix": parsed.prefix})).one_or_none() if parsed else None
    if parsed is None or row is None or not parsed.matches(row.digest, pepper):
        return None
    if row.seldom_used:
        await session.execute(_TOUCH, {"id": row.id})
    return ApiKeyIdentity(row.id, row.name, row.namespace, row.role, row.scopes, row.seconds_left)


async def get_api_key(
    session: AsyncSession, key_id: UUID, namespaces: Collection[str] | None = None
) -> ApiKeyDetail | None:
    """The key, unless it is in none of ``namespaces`` (``None``: all, and the platform's)."""
    query = select(*_DETAIL).where(ApiKey.id == key_id)
    if namespaces is not None:
        query = query.where(ApiKey.namespace.in_(namespaces))
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else ApiKeyDetail(**row)


async def list_api_keys(
    session: AsyncSession, namespace: str | None, *, active: bool, cursor: str | None, limit: int
) -> Page[ApiKeyDetail]:
    """A page of at most ``limit`` keys of ``namespace`` (``None``: of all and the platform), newest first.

    ``active`` leaves out those that are good for nothing any more. Raises InvalidCursor.
    """
    query = select(*_DETAIL)
    if namespace is not None:
        query = query.where(ApiKey.namespace == namespace)
    if active:
        query = query.where(ApiKey.revoked_at.is_(None), text("(expires_at IS NULL OR expires_at > now())"))
    return await newest_first(session, query, ApiKey.id, ApiKeyDetail, cursor, limit)
