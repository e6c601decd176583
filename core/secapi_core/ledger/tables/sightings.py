"""``sightings``: this scan saw that finding. The history of a finding is its sightings."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.findings import Severity
from secapi_core.ledger.tables.base import Base, text_enum


class Sighting(Base):
    """Narrow on purpose: re-scanning known findings only appends here.

    ``severity`` is what the scanner said this time; ``is_new`` whether the namespace had never seen the finding.
    """

    __tablename__ = "sightings"

    scan_id: Mapped[UUID] = mapped_column(ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True)
    finding_id: Mapped[UUID] = mapped_column(ForeignKey("findings.id", ondelete="CASCADE"), primary_key=True)
    job_id: Mapped[UUID]
    severity: Mapped[Severity] = mapped_column(text_enum(Severity, "severity"))
    is_new: Mapped[bool]

    __table_args__ = (Index("ix_sightings_finding_id_scan_id", "finding_id", "scan_id"),)
