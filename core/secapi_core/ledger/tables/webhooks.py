"""``webhooks``: who is told of what happens in a namespace; ``deliveries``: each telling, and what became of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.states import DeliveryState
from secapi_core.ledger.tables.base import Base, Created, Identified, Json, Timestamped, Versioned, text_enum


class Webhook(Identified, Timestamped, Versioned, Base):
    """An address that gets ``events``. Its secret is derived from its id and ``secret_version``, and kept nowhere."""

    __tablename__ = "webhooks"

    namespace: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str]
    disabled_reason: Mapped[str | None]
    """Null as long as it is enabled."""

    secret_version: Mapped[int] = mapped_column(server_default="1")
    previous_secret_until: Mapped[datetime | None]
    """What is sent is signed with the secret before, too, until then."""

    consecutive_failures: Mapped[int] = mapped_column(server_default="0")
    """Deliveries that failed for good since the last one that did not."""

    failing_since: Mapped[datetime | None]
    created_by: Mapped[str]

    __table_args__ = (
        CheckConstraint("(consecutive_failures > 0) = (failing_since IS NOT NULL)", name="failing"),
        Index("ix_webhooks_namespace_id", "namespace", "id"),
    )


class Delivery(Identified, Created, Base):
    """One event for one webhook. ``event_id`` is the same however often, and in however many deliveries, it is sent.

    ``not_before`` holds back the next try: after a failure until it is time, and during a try for as long as that may
    take, so that it is the lease of whoever tries as well. ``attempts`` grows with every try and is the fence.
    """

    __tablename__ = "deliveries"

    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    namespace: Mapped[str]
    event_type: Mapped[str]
    event_id: Mapped[UUID]
    payload: Mapped[Json]
    """The body: ids, counts and states; never what a finding says."""

    state: Mapped[DeliveryState] = mapped_column(text_enum(DeliveryState, "state"), server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    status_code: Mapped[int | None]
    reason: Mapped[str | None]
    """Why the last try failed."""

    response: Mapped[str | None]
    not_before: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(state = 'pending') = (finished_at IS NULL)", name="finished"),
        Index("ix_deliveries_webhook_id_id", "webhook_id", "id"),
        Index("ix_deliveries_pending", "not_before", postgresql_where="state = 'pending'"),
    )
