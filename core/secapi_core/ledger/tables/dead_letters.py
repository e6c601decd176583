"""``dead_letters``: jobs that used up their attempts, with the last reason, until somebody replays or purges them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base, Identified, Timestamped


class DeadLetter(Identified, Timestamped, Base):
    """One per job that went ``dead``."""

    __tablename__ = "dead_letters"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("scan_jobs.id", ondelete="CASCADE"), unique=True)
    scan_id: Mapped[UUID]
    namespace: Mapped[str]
    scanner: Mapped[str]
    attempts: Mapped[int]
    reason: Mapped[str]
    message: Mapped[str]
    worker: Mapped[str | None]
    replayed_at: Mapped[datetime | None]
    replay_scan_id: Mapped[UUID | None]
    """The scan that ran the job again. The dead job and its scan stay as they ended."""

    __table_args__ = (
        Index("ix_dead_letters_namespace_id", "namespace", "id"),
        # What is counted for alerts and statistics: few beside the letters that somebody has dealt with.
        Index("ix_dead_letters_open", "namespace", "scanner", postgresql_where="replayed_at IS NULL"),
    )
