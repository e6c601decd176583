"""Users and memberships: made, changed and removed. Every change names the version that it is based on."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.ledger.tables import Membership, User

_LOGGED_IN = text("UPDATE users SET last_login_at = now() WHERE id = :id")

_LINK = text("""
    UPDATE users SET issuer = :issuer, subject = :subject, version = version + 1, updated_at = now()
    WHERE email = :email AND issuer IS NULL AND password_hash IS NULL AND disabled_at IS NULL
      AND NOT EXISTS (SELECT FROM users AS other WHERE other.issuer = :issuer AND other.subject = :subject)
    RETURNING id
""")

_ENDING_SESSIONS = frozenset({"password_hash", "issuer", "subject", "platform_role", "disabled_at"})
"""Columns of which a change ends the user's sessions."""

_REMOVE_MEMBERSHIP = text("DELETE FROM memberships WHERE id = :id AND version = :version RETURNING id")


class IdentityTaken(Exception):
    """The issuer and subject are another user's."""


async def create_user(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    platform_role: str | None,
    issuer: str | None = None,
    subject: str | None = None,
) -> UUID | None:
    """The new user's id; ``None`` if the address, or issuer and subject, are another user's."""
    values = {
        "id": uuid7(),
        "email": email,
        "name": name,
        "password_hash": password_hash,
        "platform_role": platform_role,
        "issuer": issuer,
        "subject": subject,
    }
    made = await session.execute(insert(User).values(values).on_conflict_do_nothing().returning(User.id))
    return made.scalar_one_or_none()


async def change_user(session: AsyncSession, user_id: UUID, version: int, changes: dict[str, Any]) -> bool:
    """Set columns; false if the user is not at ``version`` (any more). ``disabled`` stands for ``disabled_at``.

    Raises IdentityTaken, and with that the transaction is over.
    """
    values = dict(changes)
    if "disabled" in values:
        values["disabled_at"] = func.coalesce(User.disabled_at, func.now()) if values.pop("disabled") else None
    if values.keys() & _ENDING_SESSIONS:
        values["credentials_changed_at"] = func.now()
    statement = (
        update(User)
        .where(User.id == user_id, User.version == version)
        .values(**values, version=User.version + 1, updated_at=func.now())
        .returning(User.id)
    )
    try:
        return (await session.execute(statement)).scalar_one_or_none() is not None
    except IntegrityError as error:
        # Nothing else that can be changed is held by a constraint.
        raise IdentityTaken from error


async def link_user(session: AsyncSession, *, email: str, issuer: str, subject: str) -> UUID | None:
    """Have an OpenID provider vouch from now on for the user with this address, and answer their id.

    ``None`` unless they can prove themselves in no other way yet and are not disabled, or if ``subject`` is somebody.
    """
    linked = await session.execute(_LINK, {"email": email, "issuer": issuer, "subject": subject})
    return linked.scalar_one_or_none()


async def note_login(session: AsyncSession, user_id: UUID) -> None:
    """The user has just logged in."""
    await session.execute(_LOGGED_IN, {"id": user_id})


async def create_membership(session: AsyncSession, *, user_id: UUID, namespace: str, role: str) -> UUID | None:
    """The new membership's id; ``None`` if the user has a role in ``namespace`` already."""
    values = {"id": uuid7(), "user_id": user_id, "namespace": namespace, "role": role}
    made = await session.execute(insert(Membership).values(values).on_conflict_do_nothing().returning(Membership.id))
    return made.scalar_one_or_none()


async def change_membership(session: AsyncSession, membership_id: UUID, version: int, *, role: str) -> bool:
    """Give another role; false if the membership is not at ``version`` (any more)."""
    statement = (
        update(Membership)
        .where(Membership.id == membership_id, Membership.version == version)
        .values(role=role, version=Membership.version + 1, updated_at=func.now())
        .returning(Membership.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def remove_membership(session: AsyncSession, membership_id: UUID, version: int) -> bool:
    """Take the role away; false if the membership is not at ``version`` (any more)."""
    removed = await session.execute(_REMOVE_MEMBERSHIP, {"id": membership_id, "version": version})
    return removed.scalar_one_or_none() is not None
