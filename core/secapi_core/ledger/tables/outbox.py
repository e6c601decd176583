"""``outbox``: messages that a transition promised; the operator's leader publishes and deletes them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base


class OutboxMessage(Base):
    """One "look at this job", or delivery, for one queue, not to be sent before ``not_before``."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("scan_jobs.id", ondelete="CASCADE"))
    delivery_id: Mapped[UUID | None] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    queue: Mapped[str]
    not_before: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("num_nonnulls(job_id, delivery_id) = 1", name="subject"),
        Index("ix_outbox_not_before", "not_before", "id"),
        Index("ix_outbox_job_id", "job_id"),
        Index("ix_outbox_delivery_id", "delivery_id", postgresql_where="delivery_id IS NOT NULL"),
    )
