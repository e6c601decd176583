"""``scans``: one row per ScanRequest, its outcome and its counts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.states import ScanState
from secapi_core.ledger.tables.base import Base, Json, SoftDeleted, Timestamped, Versioned, text_enum
from secapi_core.messages import Priority


class Scan(Timestamped, SoftDeleted, Versioned, Base):
    """``id`` is the custom resource's ``metadata.uid``, so kubectl and REST name the same scan."""

    __tablename__ = "scans"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    namespace: Mapped[str]
    name: Mapped[str]
    spec: Mapped[Json]
    scope: Mapped[Json | None]
    """Snapshot of what policy allowed when the scan was planned; workers re-check resolved addresses against it."""

    priority: Mapped[Priority] = mapped_column(text_enum(Priority, "priority"))
    state: Mapped[ScanState] = mapped_column(text_enum(ScanState, "state"))
    reason: Mapped[str | None]
    message: Mapped[str | None]
    cancel_requested_at: Mapped[datetime | None]
    submitted_by: Mapped[str | None]

    jobs_total: Mapped[int] = mapped_column(server_default="0")
    jobs_open: Mapped[int] = mapped_column(server_default="0")
    jobs_succeeded: Mapped[int] = mapped_column(server_default="0")
    jobs_failed: Mapped[int] = mapped_column(server_default="0")
    jobs_cancelled: Mapped[int] = mapped_column(server_default="0")

    findings_critical: Mapped[int] = mapped_column(server_default="0")
    findings_high: Mapped[int] = mapped_column(server_default="0")
    findings_medium: Mapped[int] = mapped_column(server_default="0")
    findings_low: Mapped[int] = mapped_column(server_default="0")
    findings_info: Mapped[int] = mapped_column(server_default="0")
    findings_new: Mapped[int] = mapped_column(server_default="0")

    gate_passed: Mapped[bool | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("jobs_open >= 0", name="jobs_open_not_negative"),
        CheckConstraint(
            "(completed_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))", name="completed"
        ),
        Index("ix_scans_created", "created_at", "id"),
        Index("ix_scans_namespace_created", "namespace", "created_at", "id"),
        # Quotas and the sweeper look at scans that are not finished; they are few beside the history.
        Index("ix_scans_active", "id", "namespace", postgresql_where="completed_at IS NULL"),
        # Every job that ends rewrites the row.
        {"postgresql_with": {"fillfactor": "70"}},
    )
