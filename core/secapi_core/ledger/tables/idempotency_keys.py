"""``idempotency_keys``: the outcome of submissions that may be sent again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base


class IdempotencyKey(Base):
    """``key`` is made of the caller's key, who the caller is and where; ``mark`` of the whole submission.

    ``scan_id`` has no foreign key: retention removes scans without asking whether somebody might ask again.
    """

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[str]
    scan_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
