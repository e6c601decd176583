"""Answers that show findings."""

from datetime import datetime
from uuid import UUID

from secapi_api.schemas import Schema
from secapi_core.findings import Confidence, Severity
from secapi_core.ledger.queries.findings import SeenFinding
from secapi_core.ledger.states import FindingState


class FindingLocation(Schema):
    """Where: in a file, at a network endpoint or at a URL; what does not apply is empty or null."""

    path: str
    """Relative to the scanned tree, with ``/``."""

    start_line: int | None
    end_line: int | None
    host: str
    port: int | None
    protocol: str
    url: str


class ScanFinding(Schema):
    """A finding as one scan saw it."""

    id: UUID
    """Of the finding, which other scans of the same target may see too."""

    scanner: str
    rule: str
    title: str
    severity: Severity
    """What the scanner said in this scan."""

    confidence: Confidence | None
    state: FindingState
    is_new: bool
    """Nobody had seen it in this namespace before this scan."""

    target: str
    """The target's identity, e.g. ``url:https://shop.example:443/``."""

    location: FindingLocation
    description: str
    remediation: str
    cwes: list[int]
    vulnerability_ids: list[str]
    cvss_score: float | None
    cvss_vector: str
    references: list[str]
    first_seen_at: datetime
    seen_at: datetime

    @classmethod
    def of(cls, seen: SeenFinding) -> "ScanFinding":
        """From the ledger."""
        where = seen.location
        return cls(
            id=seen.id,
            scanner=seen.scanner,
            rule=seen.rule,
            title=seen.title,
            severity=seen.severity,
            confidence=seen.confidence,
            state=seen.state,
            is_new=seen.is_new,
            target=seen.target_key,
            location=FindingLocation(
                path=where.path,
                start_line=where.start_line,
                end_line=where.end_line,
                host=where.host,
                port=where.port,
                protocol=where.protocol,
                url=where.url,
            ),
            description=seen.description,
            remediation=seen.remediation,
            cwes=seen.cwes,
            vulnerability_ids=seen.vulnerability_ids,
            cvss_score=seen.cvss_score,
            cvss_vector=seen.cvss_vector,
            references=seen.references,
            first_seen_at=seen.first_seen_at,
            seen_at=seen.seen_at,
        )
