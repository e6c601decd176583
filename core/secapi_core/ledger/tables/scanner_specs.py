"""``scanner_specs``: every Scanner definition that a job was planned with, by content."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base, Json


class ScannerSpecRow(Base):
    """Content-addressed: a job names the exact definition it runs, though the catalogue changes later."""

    __tablename__ = "scanner_specs"

    digest: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    spec: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
