"""Bodies and answers of ``/v1/scans``. Fields that a ScanRequest has too are named as there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, computed_field

from secapi_api.schemas import JsonOf, Namespace, Schema
from secapi_core.crds.base import Name
from secapi_core.crds.scanrequest import FindingCounts, Phase, ScanRequestSpec, Target
from secapi_core.ledger.queries import scans as ledger
from secapi_core.ledger.queries.jobs import JobDetail
from secapi_core.ledger.states import JobState, ScanState
from secapi_core.messages import Priority

EXAMPLE_SPEC: dict[str, Any] = {
    "targets": [{"url": "https://shop.example/"}, {"host": {"address": "shop.example", "ports": "22,443"}}],
    "scanners": [{"name": "sslyze"}, {"name": "nmap", "parameters": {"topPorts": 100}}],
    "priority": "normal",
    "gate": {"failOn": "high", "onlyNew": True},
}
EXAMPLE_ID = "0198c5a2-6d6e-7c3a-9d4f-5a2f6f1c8e11"


class CreateScan(Schema):
    """A scan to run: a ScanRequest without its Kubernetes frame."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"namespace": "team-a", "spec": EXAMPLE_SPEC}]})

    namespace: Namespace
    name: Name | None = None
    """Name of the ScanRequest; made up if left out."""

    spec: ScanRequestSpec


class ScanLinks(Schema):
    """Paths that belong to a scan."""

    self: str
    jobs: str
    findings: str
    artifacts: str
    events: str
    cancel: str
    rerun: str

    @classmethod
    def of(cls, scan_id: UUID) -> "ScanLinks":
        """Below the scan's own path."""
        path = f"/v1/scans/{scan_id}"
        return cls(
            self=path,
            jobs=f"{path}/jobs",
            findings=f"{path}/findings",
            artifacts=f"{path}/artifacts",
            events=f"{path}/events",
            cancel=f"{path}/cancel",
            rerun=f"{path}/rerun",
        )


class SubmittedJob(Schema):
    """One scanner on one target, as planned."""

    id: UUID
    scanner: str
    target: Annotated[dict[str, Any], JsonOf(Target)]
    """In canonical spelling."""

    task_id: str
    """Id of the Celery task that runs it, which is the job's."""

    @classmethod
    def of(cls, job_id: UUID, scanner: str, target: dict[str, Any]) -> "SubmittedJob":
        """A job that is planned or about to be."""
        return cls(id=job_id, scanner=scanner, target=target, task_id=str(job_id))


class SubmittedScan(Schema):
    """The scan is accepted and will come to an end; ``jobs`` is what it will do."""

    id: Annotated[UUID, Field(examples=[EXAMPLE_ID])]
    namespace: str
    name: str
    phase: Phase
    jobs: list[SubmittedJob]

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know that pydantic takes a property here
    @property
    def links(self) -> ScanLinks:
        """Where to look next."""
        return ScanLinks.of(self.id)

    @classmethod
    def of(cls, scan: ledger.ScanSummary, jobs: Sequence[JobDetail]) -> "SubmittedScan":
        """From the ledger."""
        return cls(
            id=scan.id,
            namespace=scan.namespace,
            name=scan.name,
            phase=phase(scan.state),
            jobs=[SubmittedJob.of(job.id, job.scanner, job.target) for job in jobs],
        )


class RerunScan(SubmittedScan):
    """The scan is accepted and will do again what another one did."""

    rerun_of: Annotated[UUID, Field(examples=[EXAMPLE_ID])]
    """The scan whose request this one repeats."""


class JobTotals(Schema):
    """How many jobs a scan has and what became of them; those that are open are not counted but in ``total``."""

    total: int
    succeeded: int
    failed: int
    cancelled: int


class ScanSummary(Schema):
    """A scan and what came of it so far."""

    id: Annotated[UUID, Field(examples=[EXAMPLE_ID])]
    """Also ``metadata.uid`` of its ScanRequest."""

    namespace: str
    name: str
    phase: Phase
    priority: Priority
    reason: str | None
    """Why it failed or was cancelled: a word from a closed set."""

    message: str | None
    """The same as a sentence."""

    jobs: JobTotals
    findings: FindingCounts
    """Distinct findings that this scan saw, by severity; ``new`` were never seen in the namespace before."""

    gate_passed: bool | None
    """Null while the scan runs and where it has no gate."""

    created_at: datetime
    start_time: datetime | None
    completion_time: datetime | None

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know that pydantic takes a property here
    @property
    def links(self) -> ScanLinks:
        """Where to look next."""
        return ScanLinks.of(self.id)

    @classmethod
    def brief(cls, scan: ledger.ScanSummary) -> "ScanSummary":
        """From the ledger."""
        return cls(**_summary(scan))


class Scan(ScanSummary):
    """A scan, what was asked for, and what came of it so far."""

    spec: Annotated[dict[str, Any], JsonOf(ScanRequestSpec)]
    submitted_by: str | None

    @classmethod
    def of(cls, scan: ledger.ScanDetail) -> "Scan":
        """From the ledger."""
        return cls(**_summary(scan), spec=scan.spec, submitted_by=scan.submitted_by)


class ScanJob(Schema):
    """One scanner on one target."""

    id: UUID
    scanner: str
    target: Annotated[dict[str, Any], JsonOf(Target)]
    """In canonical spelling."""

    parameters: dict[str, Any]
    """With the defaults of those that were left out."""

    state: JobState
    attempt: int
    """The attempt under way or the last one; 0 before the first."""

    max_attempts: int
    reason: str | None
    message: str | None
    findings: int
    quarantined: int
    """Entries of the report that could not be made findings."""

    created_at: datetime
    start_time: datetime | None
    completion_time: datetime | None

    @classmethod
    def of(cls, job: JobDetail) -> "ScanJob":
        """From the ledger."""
        return cls(
            id=job.id,
            scanner=job.scanner,
            target=job.target,
            parameters=job.parameters,
            state=job.state,
            attempt=job.attempt,
            max_attempts=job.max_attempts,
            reason=job.reason,
            message=job.message,
            findings=job.findings,
            quarantined=job.quarantined,
            created_at=job.created_at,
            start_time=job.started_at,
            completion_time=job.finished_at,
        )


def phase(state: ScanState) -> Phase:
    """The ledger's state in the words of the custom resource."""
    return Phase(state.capitalize())


def _summary(scan: ledger.ScanSummary) -> dict[str, Any]:
    return {
        "id": scan.id,
        "namespace": scan.namespace,
        "name": scan.name,
        "phase": phase(scan.state),
        "priority": scan.priority,
        "reason": scan.reason,
        "message": scan.message,
        "jobs": JobTotals(
            total=scan.jobs_total,
            succeeded=scan.jobs_succeeded,
            failed=scan.jobs_failed,
            cancelled=scan.jobs_cancelled,
        ),
        "findings": FindingCounts(
            critical=scan.findings_critical,
            high=scan.findings_high,
            medium=scan.findings_medium,
            low=scan.findings_low,
            info=scan.findings_info,
            new=scan.findings_new,
        ),
        "gate_passed": scan.gate_passed,
        "created_at": scan.created_at,
        "start_time": scan.started_at,
        "completion_time": scan.completed_at,
    }
