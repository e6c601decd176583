"""``audit_events``: every change that somebody asked for; a trigger refuses to change or remove any of it."""

from datetime import datetime

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base, Identified, Json


class AuditEvent(Identified, Base):
    """``action`` is the API operation, ``kind`` and ``subject`` name what it changed, ``actor`` is who asked."""

    __tablename__ = "audit_events"

    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    actor_name: Mapped[str]
    action: Mapped[str]
    namespace: Mapped[str | None]
    kind: Mapped[str]
    subject: Mapped[str]
    request_id: Mapped[str]
    before: Mapped[Json | None]
    after: Mapped[Json | None]

    __table_args__ = (
        Index("ix_audit_events_namespace_id", "namespace", "id"),
        Index("ix_audit_events_subject_id", "subject", "id"),
    )
