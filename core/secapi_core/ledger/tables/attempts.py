"""``attempts``: every run of a job, how it ended and what it cost."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.states import AttemptState
from secapi_core.ledger.tables.base import Base, Json, text_enum


class Attempt(Base):
    """One claim; ``attempt`` counts from 1."""

    __tablename__ = "attempts"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("scan_jobs.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str]
    state: Mapped[AttemptState] = mapped_column(text_enum(AttemptState, "state"))
    reason: Mapped[str | None]
    message: Mapped[str | None]
    exit_code: Mapped[int | None]
    log_tail: Mapped[str | None]
    """The last characters of the tool's standard error, for a person; bounded by the writer."""

    stats: Mapped[Json | None]
    """Seconds and bytes per phase (prepare, scan, parse), and the first quarantined entries."""

    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
