"""Findings, as a scan saw them."""

from datetime import datetime
from uuid import UUID

from secapi_client.models.base import Model


class FindingLocation(Model):
    """Where: in a file, at a network endpoint or at a URL; what does not apply is empty or None."""

    path: str
    start_line: int | None
    end_line: int | None
    host: str
    port: int | None
    protocol: str
    url: str

    def __str__(self) -> str:
        """``path:line``, the URL or ``host:port``."""
        if self.path:
            return f"{self.path}:{self.start_line}" if self.start_line else self.path
        if self.url:
            return self.url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


class ScanFinding(Model):
    """A finding as one scan saw it."""

    id: UUID
    scanner: str
    rule: str
    title: str
    severity: str
    confidence: str | None
    state: str
    is_new: bool
    target: str
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
