"""People, and in which namespaces they have which role."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.queries._pages import newest_first
from secapi_core.ledger.tables import Membership, User
from secapi_core.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetail:
    """A user; ``has_password`` instead of the hash, which only logging in reads."""

    id: UUID
    email: str
    name: str
    issuer: str | None
    subject: str | None
    platform_role: str | None
    has_password: bool
    disabled_at: datetime | None
    last_login_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipDetail:
    """A user's role in a namespace."""

    id: UUID
    user_id: UUID
    namespace: str
    role: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUser:
    """What authenticating needs of a user who is not disabled; ``roles`` are those of the memberships.

    Sessions that began before ``credentials_changed_at`` are over.
    """

    id: UUID
    name: str
    platform_role: str | None
    credentials_changed_at: datetime
    roles: dict[str, str]


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """The hash of a user's password as it was at ``read_at``, by the database's clock."""

    user_id: UUID
    encoded: str
    read_at: datetime


_USER = [
    User.password_hash.is_not(None).label(name) if name == "has_password" else User.__table__.c[name]
    for name in UserDetail.__dataclass_fields__
]
_MEMBERSHIP = [Membership.__table__.c[name] for name in MembershipDetail.__dataclass_fields__]

_KNOWN = """
    SELECT id, name, platform_role, credentials_changed_at,
           (SELECT coalesce(jsonb_object_agg(namespace, role), '{}') FROM memberships WHERE user_id = users.id) AS roles
    FROM users
    WHERE disabled_at IS NULL AND
"""
_KNOWN_BY_ID = text(_KNOWN + "id = :id")
_KNOWN_BY_SUBJECT = text(_KNOWN + "issuer = :issuer AND subject = :subject")

_PASSWORD = text("""
    SELECT id, password_hash, now() FROM users
    WHERE email = :email AND disabled_at IS NULL AND password_hash IS NOT NULL
""")


async def known_user(session: AsyncSession, user_id: UUID) -> KnownUser | None:
    """The user and their roles; ``None`` if there is none, or they are disabled."""
    row = (await session.execute(_KNOWN_BY_ID, {"id": user_id})).mappings().one_or_none()
    return None if row is None else KnownUser(**row)


async def known_subject(session: AsyncSession, issuer: str, subject: str) -> KnownUser | None:
    """The user that an OpenID provider knows as ``subject``; ``None`` if there is none, or they are disabled."""
    given = {"issuer": issuer, "subject": subject}
    row = (await session.execute(_KNOWN_BY_SUBJECT, given)).mappings().one_or_none()
    return None if row is None else KnownUser(**row)


async def password_hash(session: AsyncSession, email: str) -> PasswordHash | None:
    """The hash for whom ``email`` belongs to, if they have a password and are not disabled."""
    row = (await session.execute(_PASSWORD, {"email": email})).one_or_none()
    return None if row is None else PasswordHash(*row)


async def get_user(session: AsyncSession, user_id: UUID) -> UserDetail | None:
    """The user, also a disabled one."""
    row = (await session.execute(select(*_USER).where(User.id == user_id))).mappings().one_or_none()
    return None if row is None else UserDetail(**row)


async def list_users(session: AsyncSession, *, cursor: str | None, limit: int) -> Page[UserDetail]:
    """A page of at most ``limit`` users, newest first; raises InvalidCursor."""
    return await newest_first(session, select(*_USER), User.id, UserDetail, cursor, limit)


async def get_membership(
    session: AsyncSession, membership_id: UUID, namespaces: Collection[str] | None
) -> MembershipDetail | None:
    """The membership, unless it is in none of ``namespaces`` (``None``: all)."""
    query = select(*_MEMBERSHIP).where(Membership.id == membership_id)
    if namespaces is not None:
        query = query.where(Membership.namespace.in_(namespaces))
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else MembershipDetail(**row)


async def list_memberships(
    session: AsyncSession, *, namespace: str | None, user_id: UUID | None, cursor: str | None, limit: int
) -> Page[MembershipDetail]:
    """A page of at most ``limit`` memberships, newest first; ``None`` sets no condition. Raises InvalidCursor."""
    query = select(*_MEMBERSHIP)
    if namespace is not None:
        query = query.where(Membership.namespace == namespace)
    if user_id is not None:
        query = query.where(Membership.user_id == user_id)
    return await newest_first(session, query, Membership.id, MembershipDetail, cursor, limit)
