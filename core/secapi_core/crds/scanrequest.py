"""ScanRequest: one run of scanners over targets."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from secapi_core.crds.base import Condition, Model, Name, Resource
from secapi_core.findings import Severity
from secapi_core.messages import Priority

Digest = Annotated[str, Field(min_length=71, max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")]


class TargetType(StrEnum):
    """The kinds of target a scanner can take; also the key that is set in a ``Target``."""

    URL = "url"
    HOST = "host"
    REPOSITORY = "repository"
    ARTIFACT = "artifact"
    IMAGE = "image"


class HostTarget(Model):
    """A host name or IP address, and optionally the ports to look at."""

    address: Annotated[str, Field(min_length=1, max_length=253)]
    ports: Annotated[str, Field(max_length=500, pattern=r"^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$")] | None = None


class RepositoryTarget(Model):
    """A git repository, cloned shallowly over https, ssh or git."""

    url: Annotated[str, Field(min_length=1, max_length=2048)]
    ref: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    path: Annotated[str, Field(min_length=1, max_length=1024)] | None = None


class ArtifactTarget(Model):
    """A source archive uploaded through the API; ``name`` is its identity across uploads (default: the digest)."""

    digest: Digest
    name: Annotated[str, Field(min_length=1, max_length=253)] | None = None


class ImageTarget(Model):
    """A container image reference."""

    reference: Annotated[str, Field(min_length=1, max_length=512)]


class Target(Model):
    """What to scan: exactly one of the fields is set."""

    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    host: HostTarget | None = None
    repository: RepositoryTarget | None = None
    artifact: ArtifactTarget | None = None
    image: ImageTarget | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Target":
        if len(self.model_fields_set & {t.value for t in TargetType if getattr(self, t.value) is not None}) != 1:
            raise ValueError("set exactly one of url, host, repository, artifact, image")
        return self

    @property
    def type(self) -> TargetType:
        """Which field is set."""
        return next(t for t in TargetType if getattr(self, t.value) is not None)


class ScannerUse(Model):
    """A scanner by name, with parameters checked against its ``parametersSchema``."""

    name: Name
    parameters: dict[str, Any] = Field(default_factory=dict)


class Gate(Model):
    """When findings should fail a pipeline: the condition ``GatePassed`` says whether they do."""

    fail_on: Severity
    only_new: bool = False


class ScanRequestSpec(Model):
    """What is wanted. Everything but ``cancel`` is immutable once created."""

    targets: Annotated[list[Target], Field(min_length=1, max_length=100)]
    scanners: Annotated[list[ScannerUse], Field(min_length=1, max_length=20)]
    priority: Priority = Priority.NORMAL
    timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] = 1_800
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    gate: Gate | None = None
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    cancel: bool = False


class Phase(StrEnum):
    """A word for people; machines read the conditions."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class JobCounts(Model):
    """How many jobs the scan has and how they ended."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0


class FindingCounts(Model):
    """Findings this scan saw, by severity, and how many were never seen before."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0
    new: int = 0


class ScanRequestStatus(Model):
    """What happened, in at most 4 KB: counts and conditions, never findings (design P12)."""

    observed_generation: int | None = None
    phase: Phase | None = None
    scan_id: str | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    jobs: JobCounts | None = None
    findings: FindingCounts | None = None
    conditions: list[Condition] = Field(default_factory=list)


class ScanRequest(Resource):
    """One run: targets times scanners."""

    KIND: ClassVar[str] = "ScanRequest"
    PLURAL: ClassVar[str] = "scanrequests"

    api_version: Literal["secapi.dev/v1alpha1"] = "secapi.dev/v1alpha1"
    kind: Literal["ScanRequest"] = "ScanRequest"
    spec: ScanRequestSpec
    status: ScanRequestStatus = Field(default_factory=ScanRequestStatus)
