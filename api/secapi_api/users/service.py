"""Decisions about users."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.auth.passwords import hash_password
from secapi_api.errors import Conflict, FieldError, NotFound
from secapi_api.preconditions import changed_meanwhile, require_version
from secapi_api.users.schemas import ChangeUser, CreateUser, User
from secapi_core.ledger.queries.users import UserDetail, get_user
from secapi_core.ledger.transitions.users import IdentityTaken, change_user, create_user


async def known(session: AsyncSession, user_id: UUID) -> UserDetail:
    """The user; NotFound if there is none."""
    user = await get_user(session, user_id)
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    return user


async def create(session: AsyncSession, body: CreateUser, password_hash: str | None) -> UserDetail:
    """Make the user; Conflict if somebody has the address."""
    role = body.platform_role
    user_id = await create_user(
        session, email=body.email, name=body.name, password_hash=password_hash, platform_role=role
    )
    if user_id is None:
        taken = FieldError("/email", "somebody has this address already")
        raise Conflict("there is a user with this address", errors=[taken])
    return await known(session, user_id)


async def change(session: AsyncSession, before: UserDetail, version: str, changes: dict[str, Any]) -> UserDetail:
    """Change what is still at ``version``; PreconditionFailed otherwise. Conflict if the new identity is another's."""
    require_version(version, before.version)
    try:
        changed = await change_user(session, before.id, before.version, changes)
    except IdentityTaken as error:
        taken = FieldError("/identity/subject", "another user is this subject of the issuer")
        raise Conflict("there is a user with this identity", errors=[taken]) from error
    if not changed:
        raise changed_meanwhile()
    return await known(session, before.id)


async def hashed(body: CreateUser | ChangeUser) -> dict[str, str | None]:
    """``password_hash`` to set, if the body says anything about a password. Computed outside of any transaction."""
    if "password" not in body.model_fields_set:
        return {}
    return {"password_hash": None if body.password is None else await hash_password(body.password.get_secret_value())}


def image(user: UserDetail) -> dict[str, Any]:
    """What the audit trail says of a user."""
    kept = {"email", "name", "issuer", "subject", "platform_role", "has_password", "disabled_at"}
    return User.of(user).model_dump(mode="json", by_alias=True, include=kept)
