"""What scans and schedules are asked to do: their ``spec`` in its own spelling, as types for dictionaries."""

from typing import Any, NotRequired, TypedDict


class HostTarget(TypedDict):
    """A machine in the network."""

    address: str
    ports: NotRequired[str]


class RepositoryTarget(TypedDict):
    """A git repository."""

    url: str
    ref: NotRequired[str]
    path: NotRequired[str]


class ArtifactTarget(TypedDict):
    """An uploaded archive; findings are kept under its ``name`` from one upload to the next."""

    digest: str
    name: NotRequired[str]


class ImageTarget(TypedDict):
    """A container image."""

    reference: str


class Target(TypedDict, total=False):
    """Exactly one of these."""

    url: str
    host: HostTarget
    repository: RepositoryTarget
    artifact: ArtifactTarget
    image: ImageTarget


class ScannerUse(TypedDict):
    """A scanner of the catalogue, and how to run it."""

    name: str
    parameters: NotRequired[dict[str, Any]]


class Gate(TypedDict):
    """When findings should fail a pipeline."""

    failOn: str
    onlyNew: NotRequired[bool]


class ScanSpec(TypedDict):
    """What is wanted."""

    targets: list[Target]
    scanners: list[ScannerUse]
    priority: NotRequired[str]
    timeoutSeconds: NotRequired[int]
    maxAttempts: NotRequired[int]
    gate: NotRequired[Gate]
    ttlSecondsAfterFinished: NotRequired[int]
    cancel: NotRequired[bool]


class ScanTemplateMetadata(TypedDict, total=False):
    """What is written on every scan of a schedule."""

    labels: dict[str, str]
    annotations: dict[str, str]


class ScanTemplate(TypedDict):
    """The scan that is created each time."""

    spec: ScanSpec
    metadata: NotRequired[ScanTemplateMetadata]


class ScheduleSpec(TypedDict):
    """When to scan, and what: the ``spec`` of a ScanSchedule."""

    schedule: str
    scanTemplate: ScanTemplate
    timeZone: NotRequired[str]
    jitterSeconds: NotRequired[int]
    startingDeadlineSeconds: NotRequired[int | None]
    concurrencyPolicy: NotRequired[str]
    suspend: NotRequired[bool]
    successfulRunsHistoryLimit: NotRequired[int]
    failedRunsHistoryLimit: NotRequired[int]
