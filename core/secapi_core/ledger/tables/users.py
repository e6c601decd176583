"""``users``: people; ``memberships``: in which namespaces they have which role."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base, Identified, Timestamped, Versioned


class User(Identified, Timestamped, Versioned, Base):
    """Known by ``email`` (lower case), by ``issuer`` and ``subject`` of an OpenID provider, or by both.

    ``platform_role`` holds in every namespace. Whoever is ``disabled_at`` some time is nobody from then on.
    """

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    """Argon2id in its own encoding; null for those who only log in elsewhere."""

    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    platform_role: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    credentials_changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Sessions that began before are over."""

    __table_args__ = (UniqueConstraint("issuer", "subject"),)


class Membership(Identified, Timestamped, Versioned, Base):
    """A user's role in a namespace."""

    __tablename__ = "memberships"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    namespace: Mapped[str]
    role: Mapped[str]

    __table_args__ = (
        UniqueConstraint("user_id", "namespace"),
        Index("ix_memberships_namespace_id", "namespace", "id"),
    )
