"""``scan_jobs``: one scanner on one target; the unit that is claimed, run and committed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.states import JobState
from secapi_core.ledger.tables.base import Base, Created, Json, text_enum
from secapi_core.messages import Priority


class ScanJob(Created, Base):
    """``id`` is uuid5 of scan, scanner and target, so planning twice plans nothing new.

    ``attempt`` is the fence: it grows by one with every claim, and nothing commits without naming the current one.
    """

    __tablename__ = "scan_jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scan_id: Mapped[UUID] = mapped_column(ForeignKey("scans.id", ondelete="CASCADE"))
    namespace: Mapped[str]
    ordinal: Mapped[int]
    scanner: Mapped[str]
    family: Mapped[str]
    scanner_digest: Mapped[str] = mapped_column(ForeignKey("scanner_specs.digest"))
    pool: Mapped[str]
    priority: Mapped[Priority] = mapped_column(text_enum(Priority, "priority"))
    target: Mapped[Json]
    target_key: Mapped[str]
    parameters: Mapped[Json]
    timeout_seconds: Mapped[int]
    max_attempts: Mapped[int]
    traceparent: Mapped[str | None]
    """W3C trace context of the planning, where that was traced."""

    state: Mapped[JobState] = mapped_column(text_enum(JobState, "state"))
    attempt: Mapped[int] = mapped_column(server_default="0")
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime] = mapped_column(server_default=func.now())
    dispatched_at: Mapped[datetime | None]
    """When a broker message was last sent; the sweeper sends another where none seems to be left."""

    cancel_requested: Mapped[bool] = mapped_column(server_default="false")
    progress: Mapped[Json | None]
    reason: Mapped[str | None]
    message: Mapped[str | None]
    findings: Mapped[int] = mapped_column(server_default="0")
    quarantined: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("scan_id", "ordinal"),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
        Index(
            "ix_scan_jobs_queued",
            "pool",
            "priority",
            "not_before",
            postgresql_where="state = 'queued'",
        ),
        Index("ix_scan_jobs_running", "lease_until", postgresql_where="state = 'running'"),
        # Room on the page for the new version of a row: it is written four times in its life.
        {"postgresql_with": {"fillfactor": "70"}},
    )
