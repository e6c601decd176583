"""Answers of ``/v1/scans``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from secapi_client.models.base import Model
from secapi_client.models.words import Phase

ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED})


class JobTotals(Model):
    """How many jobs a scan has and what became of them; those that are open are only in ``total``."""

    total: int
    succeeded: int
    failed: int
    cancelled: int


class FindingCounts(Model):
    """Distinct findings that a scan saw, by severity; ``new`` were never seen in the namespace before."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0
    new: int = 0


class ScanSummary(Model):
    """A scan and what came of it so far."""

    id: UUID
    namespace: str
    name: str
    phase: str
    priority: str
    reason: str | None
    message: str | None
    jobs: JobTotals
    findings: FindingCounts
    gate_passed: bool | None
    """None while the scan runs and where it has no gate."""

    created_at: datetime
    start_time: datetime | None
    completion_time: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in ENDED


class Scan(ScanSummary):
    """A scan, what was asked for, and what came of it so far."""

    spec: dict[str, Any]
    submitted_by: str | None


class SubmittedJob(Model):
    """One scanner on one target, as planned."""

    id: UUID
    scanner: str
    target: dict[str, Any]
    task_id: str


class SubmittedScan(Model):
    """The scan is accepted and will come to an end."""

    id: UUID
    namespace: str
    name: str
    phase: str
    jobs: list[SubmittedJob]


class RerunScan(SubmittedScan):
    """The scan is accepted and will do again what another one did."""

    rerun_of: UUID


class ScanJob(Model):
    """One scanner on one target."""

    id: UUID
    scanner: str
    target: dict[str, Any]
    parameters: dict[str, Any]
    state: str
    attempt: int
    max_attempts: int
    reason: str | None
    message: str | None
    findings: int
    quarantined: int
    created_at: datetime
    start_time: datetime | None
    completion_time: datetime | None
