"""Decisions about API keys."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.api_keys.schemas import ApiKey
from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import FieldError, Forbidden, InvalidRequest, NotFound
from secapi_core.ledger.queries.api_keys import ApiKeyDetail, get_api_key


def require_no_more(caller: Caller, scopes: list[str]) -> None:
    """Nobody can make a credential that is good for more than their own."""
    if caller.scopes is not None and not scopes:
        raise Forbidden("this credential is limited to some scopes, so it can make no key without scopes")
    caller.require_scope(*scopes)


async def manageable_key(session: AsyncSession, key_id: UUID, caller: Caller) -> ApiKeyDetail:
    """The key, if the caller may know of it and manages its namespace."""
    key = await get_api_key(session, key_id, caller.namespaces)
    if key is None:
        raise NotFound(f"there is no API key {key_id}")
    caller.require(Role.ADMIN, key.namespace)
    return key


def image(key: ApiKeyDetail) -> dict[str, object]:
    """What the audit trail says of a key."""
    return ApiKey.of(key).model_dump(
        mode="json", by_alias=True, include={"name", "prefix", "role", "scopes", "expires_at", "revoked_at"}
    )


def check_expiry(key: ApiKeyDetail) -> None:
    """A key that has ended before it begins is a mistake; the database's clock decides."""
    if key.expires_at is not None and key.expires_at <= key.created_at:
        problem = FieldError("/expiresAt", "must be in the future")
        raise InvalidRequest("the key would be expired from the beginning", errors=[problem])
