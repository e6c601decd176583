"""``findings``: one row per identity in a namespace, for as long as anybody cares; scans only add sightings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, LargeBinary, Numeric, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.findings import Confidence, Severity
from secapi_core.ledger.states import FindingState
from secapi_core.ledger.tables.base import SEVERITY, Base, Identified, Json, Timestamped, Versioned, text_enum


class FindingRow(Identified, Timestamped, Versioned, Base):
    """``fingerprint`` is the identity (``secapi_core.fingerprints``); columns are what is filtered or sorted.

    When it was last seen is not a column: writing it would rewrite every known finding in every scan. The latest
    sighting says it.
    """

    __tablename__ = "findings"

    namespace: Mapped[str]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    scanner: Mapped[str]
    rule: Mapped[str]
    target_key: Mapped[str]
    severity: Mapped[Severity] = mapped_column(SEVERITY)
    confidence: Mapped[Confidence | None] = mapped_column(text_enum(Confidence, "confidence"))
    state: Mapped[FindingState] = mapped_column(text_enum(FindingState, "state"), server_default="open")
    title: Mapped[str]
    description: Mapped[str]
    remediation: Mapped[str]
    location: Mapped[Json]
    cwes: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    vulnerability_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    cvss_score: Mapped[float | None] = mapped_column(Numeric(3, 1, asdecimal=False))
    cvss_vector: Mapped[str]
    links: Mapped[list[str]] = mapped_column(ARRAY(Text))
    details: Mapped[Json]
    content_digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    """Of everything a scanner may change its mind about; equal digests spare the comparison of a dozen columns."""

    first_scan_id: Mapped[UUID]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("namespace", "fingerprint"),
        # Counts by severity and state are read from this index alone.
        Index("ix_findings_namespace_severity", "namespace", "severity", "id", postgresql_include=["state"]),
        # What is new, by day. A report's findings have one time, so the index keeps little more of each than its place.
        Index("ix_findings_namespace_first_seen", "namespace", "first_seen_at", "severity"),
    )
