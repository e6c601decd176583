"""ScanRequest: one run of scanners over targets."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from secapi_core.crds.base import GROUP, Column, Conditions, Model, Name, Resource
from secapi_core.crds.constraints import Constraint, distinct, immutable_but, rule, structural, unique_by
from secapi_core.crds.network_values import HostAddress, HttpUrl, ImageReference, Ports, RepositoryUrl
from secapi_core.crds.values import ArtifactName, Digest, GitRef, RelativePath
from secapi_core.findings import Severity
from secapi_core.messages import Priority

SUBMITTED_BY = f"{GROUP}/submitted-by"
"""Annotation that says on whose behalf the object was made. Whoever may create ScanRequests may write what they like
here, so it is for people who read, never for permissions."""

TRACEPARENT = f"{GROUP}/traceparent"
"""Annotation with the W3C trace context of whatever asked for the scan; without it, planning begins a trace."""


class TargetType(StrEnum):
    """The kinds of target a scanner can take; also the key that is set in a ``Target``."""

    URL = "url"
    HOST = "host"
    REPOSITORY = "repository"
    ARTIFACT = "artifact"
    IMAGE = "image"


class HostTarget(Model):
    """A host name or IP address, and optionally the ports to look at."""

    address: HostAddress
    """One host name or IP address, e.g. shop.example, 192.0.2.7 or 2001:db8::7."""

    ports: Ports | None = None
    """Ports and ranges of ports separated by commas, e.g. 22,80,8000-8100. Default: what the scanner looks at."""


class RepositoryTarget(Model):
    """A git repository, cloned without history over https, ssh or git."""

    url: RepositoryUrl
    """Where to clone from, e.g. https://git.example/shop.git or ssh://git@git.example/shop.git."""

    ref: GitRef | None = None
    """Branch, tag or full commit hash. Default: the repository's default branch."""

    path: RelativePath | None = None
    """Folder to scan, relative to the repository's root, e.g. src/app. Default: everything."""


class ArtifactTarget(Model):
    """A source archive uploaded through the API."""

    digest: Digest
    """The archive's digest as the upload answered it: sha256: and 64 hexadecimal digits."""

    name: ArtifactName | None = None
    """Under which name findings are kept from one upload to the next, e.g. shop/backend. Default: the digest."""


class ImageTarget(Model):
    """A container image in a registry."""

    reference: ImageReference
    """Registry, path, and tag or digest, e.g. registry.example/shop:1.2. Default registry: docker.io."""


class Target(Model):
    """What to scan: exactly one of the fields is set."""

    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule(
            "set exactly one of url, host, repository, artifact, image",
            "[has(self.url), has(self.host), has(self.repository), has(self.artifact), has(self.image)]"
            ".exists_one(x, x)",
            lambda target: sum(getattr(target, kind) is not None for kind in TargetType) == 1,
        ),
    )

    url: HttpUrl | None = None
    """A web application, e.g. https://shop.example/app/; the fragment is ignored."""

    host: HostTarget | None = None
    """A machine in the network."""

    repository: RepositoryTarget | None = None
    """A git repository."""

    artifact: ArtifactTarget | None = None
    """An uploaded source archive."""

    image: ImageTarget | None = None
    """A container image."""

    @property
    def type(self) -> TargetType:
        """Which field is set."""
        return next(kind for kind in TargetType if getattr(self, kind) is not None)


class ScannerUse(Model):
    """A scanner of the catalogue, and how to run it."""

    name: Name
    """Name of a Scanner; kubectl get scanners lists them."""

    parameters: Annotated[dict[str, Any], Field(max_length=64)] = Field(default_factory=dict)
    """Settings as the Scanner's parametersSchema describes them, e.g. topPorts: 100; at most 16 KiB."""


class Gate(Model):
    """When findings should fail a pipeline."""

    fail_on: Severity
    """The gate fails on a finding of this severity or a worse one."""

    only_new: bool = False
    """Count only findings that no earlier scan of the namespace saw."""


class ScanRequestSpec(Model):
    """What is wanted. Everything but cancel is immutable once created."""

    targets: Annotated[
        list[Target],
        Field(min_length=1, max_length=100),
        structural(list_type="atomic"),
        distinct(Target),
    ]
    """What to scan. Every scanner is run on every target of a type that it takes."""

    scanners: Annotated[list[ScannerUse], Field(min_length=1, max_length=20), unique_by("name")]
    """What to scan with, each scanner once."""

    priority: Priority = Priority.NORMAL
    """Jobs of a more urgent priority start first: interactive, then normal, then bulk."""

    timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] = 1_800
    """Longest run of one job (one scanner on one target) in seconds; then it is stopped as TimedOut."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often a job is started at most, if it fails for a reason that may pass, such as a lost worker."""

    gate: Gate | None = None
    """If set, the condition GatePassed says whether the findings are acceptable, e.g. failOn: high."""

    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """Seconds after which a finished ScanRequest is deleted; its findings stay. Default: never."""

    cancel: bool = False
    """Set to true to stop the scan; jobs that are done keep their results. Cannot be taken back."""


class Phase(StrEnum):
    """A word for people; machines read the conditions."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


Count = Annotated[int, Field(ge=0)]


class JobCounts(Model):
    """Jobs of the scan (one scanner on one target each) and how they ended."""

    total: Count = 0
    """All jobs: each scanner with each target that it takes."""

    succeeded: Count = 0
    """Jobs whose results are stored."""

    failed: Count = 0
    """Jobs that ended without results, cancelled ones included."""


class FindingCounts(Model):
    """Distinct findings that this scan saw, by severity."""

    critical: Count = 0
    """Findings of severity critical."""

    high: Count = 0
    """Findings of severity high."""

    medium: Count = 0
    """Findings of severity medium."""

    low: Count = 0
    """Findings of severity low."""

    info: Count = 0
    """Findings of severity info."""

    new: Count = 0
    """How many of all these no earlier scan of the namespace saw."""


class ScanRequestStatus(Model):
    """What happened: counts and conditions, at most 4 KB. The findings are in the REST API."""

    observed_generation: Count | None = None
    """The metadata.generation that this status describes."""

    phase: Phase = Phase.PENDING
    """The state in one word, for people; programs read the conditions."""

    scan_id: Annotated[str, Field(max_length=64)] | None = None
    """The scan's id in the REST API, GET /v1/scans/{id}; it is the object's metadata.uid."""

    start_time: datetime | None = None
    """When the first job started."""

    completion_time: datetime | None = None
    """When the last job ended."""

    jobs: JobCounts | None = None
    """How many jobs the scan has and how they ended."""

    findings: FindingCounts | None = None
    """How many findings the scan saw; set when it is finished."""

    conditions: Conditions = Field(default_factory=list)
    """Accepted: the request can be carried out. Succeeded: Unknown while it runs. GatePassed: only with spec.gate."""


class ScanRequest(Resource):
    """One run of scanners over targets. Its findings are read through the REST API."""

    KIND: ClassVar[str] = "ScanRequest"
    PLURAL: ClassVar[str] = "scanrequests"
    SHORT_NAME: ClassVar[str] = "sr"
    SELECTABLE: ClassVar[tuple[str, ...]] = (".status.phase",)
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("Phase", ".status.phase"),
        Column("Jobs", ".status.jobs.total", "integer"),
        Column("Critical", ".status.findings.critical", "integer"),
        Column("High", ".status.findings.high", "integer"),
        Column("Reason", '.status.conditions[?(@.type=="Succeeded")].reason', priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    )
    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = (
        rule(
            "metadata.name must be at most 63 characters: it is a label's value too",
            "size(self.metadata.name) <= 63",
            lambda request: len(request.metadata.name) <= 63,
        ),
    )

    api_version: Literal["secapi.dev/v1alpha1"] = "secapi.dev/v1alpha1"
    kind: Literal["ScanRequest"] = "ScanRequest"

    spec: Annotated[
        ScanRequestSpec,
        *immutable_but(ScanRequestSpec, "cancel"),
        rule(
            "cannot be taken back: a cancelled scan stays cancelled", "self.cancel || !oldSelf.cancel", path=".cancel"
        ),
    ]
    """What to scan, with what, and how."""

    status: ScanRequestStatus = Field(default_factory=ScanRequestStatus)
    """What happened so far; written by SecAPI only."""
