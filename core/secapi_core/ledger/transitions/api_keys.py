"""API keys: made, rotated and revoked. A secret is returned once; the ledger keeps a keyed hash of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.ledger.api_key_secrets import Secret

_CREATE = text("""
    INSERT INTO api_keys (id, name, prefix, digest, namespace, role, scopes, created_by, expires_at)
    VALUES (:id, :name, :prefix, :digest, :namespace, :role, :scopes, :created_by,
            coalesce(CAST(:expires_at AS timestamptz), now() + CAST(:lifetime AS interval)))
""")

# What the old key may still do is not prolonged by rotating it.
_ROTATE = text("""
    WITH old AS (
        UPDATE api_keys
        SET expires_at = least(expires_at, now() + CAST(:grace AS interval)), updated_at = now()
        WHERE id = :old_id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        RETURNING name, namespace, role, scopes
    )
    INSERT INTO api_keys (id, name, prefix, digest, namespace, role, scopes, created_by, expires_at)
    SELECT :id, name, :prefix, :digest, namespace, role, scopes, :created_by, CAST(:expires_at AS timestamptz) FROM old
    RETURNING id
""")

_REVOKE = text("""
    UPDATE api_keys SET revoked_at = now(), updated_at = now() WHERE id = :id AND revoked_at IS NULL RETURNING id
""")


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key; nobody can see ``secret`` again."""

    id: UUID
    secret: str


async def create_api_key(
    session: AsyncSession,
    *,
    name: str,
    namespace: str | None,
    role: str,
    pepper: bytes,
    scopes: Sequence[str] = (),
    created_by: str | None = None,
    expires_at: datetime | None = None,
    lifetime: timedelta | None = None,
) -> IssuedKey:
    """Make a key for ``namespace`` (``None``: the whole platform).

    Good until ``expires_at``, or for a ``lifetime``, or until it is revoked.
    """
    fields = {"name": name, "namespace": namespace, "role": role, "scopes": list(scopes)}
    secret = Secret.new()
    issued = IssuedKey(uuid7(), secret.text)
    times = {"expires_at": expires_at, "lifetime": lifetime}
    await session.execute(_CREATE, fields | times | _proof(issued, secret, pepper) | {"created_by": created_by})
    return issued


async def rotate_api_key(
    session: AsyncSession,
    key_id: UUID,
    *,
    pepper: bytes,
    grace: timedelta,
    expires_at: datetime | None,
    created_by: str,
) -> IssuedKey | None:
    """Make another key like this one, which goes on for ``grace``; ``None`` if there is none that is good."""
    secret = Secret.new()
    issued = IssuedKey(uuid7(), secret.text)
    fields = {"old_id": key_id, "grace": grace, "expires_at": expires_at, "created_by": created_by}
    made = await session.execute(_ROTATE, fields | _proof(issued, secret, pepper))
    return issued if made.one_or_none() else None


async def revoke_api_key(session: AsyncSession, key_id: UUID) -> bool:
    """Make the key worthless from now on; false if it was before."""
    return (await session.execute(_REVOKE, {"id": key_id})).one_or_none() is not None


def _proof(issued: IssuedKey, secret: Secret, pepper: bytes) -> dict[str, object]:
    return {"id": issued.id, "prefix": secret.prefix, "digest": secret.digest(pepper)}
