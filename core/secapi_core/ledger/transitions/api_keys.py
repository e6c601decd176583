"""create_api_key: a new secret, of which only a keyed hash is kept."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.ledger.api_key_secrets import Secret

_CREATE = text("""
    INSERT INTO api_keys (id, name, prefix, digest, namespace, role, expires_at)
    VALUES (:id, :name, :prefix, :digest, :namespace, :role, now() + CAST(:lifetime AS interval))
""")


async def create_api_key(
    session: AsyncSession,
    *,
    name: str,
    namespace: str | None,
    role: str,
    pepper: bytes,
    lifetime: timedelta | None = None,
) -> str:
    """Make a key for ``namespace`` (``None``: the whole platform) and return its secret, which nobody can see again.

    Without a ``lifetime`` it is good until it is revoked.
    """
    secret = Secret.new()
    parameters = {
        "id": uuid7(),
        "name": name,
        "prefix": secret.prefix,
        "digest": secret.digest(pepper),
        "namespace": namespace,
        "role": role,
        "lifetime": lifetime,
    }
    await session.execute(_CREATE, parameters)
    return secret.text
