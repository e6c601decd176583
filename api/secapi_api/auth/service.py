"""From a secret to a caller."""

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import Unauthenticated
from secapi_core.ledger.queries.api_keys import verify_api_key


async def authenticate(session: AsyncSession, secret: str, pepper: SecretStr) -> Caller:
    """The caller that ``secret`` belongs to; Unauthenticated for unknown, expired and revoked ones alike."""
    identity = await verify_api_key(session, secret, pepper.get_secret_value().encode())
    if identity is None:
        raise Unauthenticated(
            "this API key is unknown, expired or revoked",
            headers={"WWW-Authenticate": 'Bearer realm="secapi", error="invalid_token"'},
        )
    role = Role(identity.role)
    if identity.namespace is None:
        return Caller(f"key:{identity.id}", identity.name, everywhere=role)
    return Caller(f"key:{identity.id}", identity.name, {identity.namespace: role})
