"""Who an API key belongs to."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.api_key_secrets import Secret


@dataclass(frozen=True, slots=True)
class ApiKeyIdentity:
    """The owner of a key; ``namespace`` is ``None`` for the whole platform."""

    id: UUID
    name: str
    namespace: str | None
    role: str


_FIND = text("""
    SELECT id, name, namespace, role, digest,
           last_used_at IS NULL OR last_used_at < now() - interval '1 hour' AS seldom_used
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
    return ApiKeyIdentity(row.id, row.name, row.namespace, row.role)
