"""ScanPolicy: what a namespace may scan."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secapi_core.crds.base import Column, Model, Name, Resource
from secapi_core.crds.constraints import unique
from secapi_core.crds.network_values import Cidr, DomainSuffix, RepositoryPrefix, UrlPrefix
from secapi_core.messages import Priority


class AllowedTargets(Model):
    """What may be scanned; a target must match one entry, uploaded artifacts always may.

    Loopback, private, link-local, metadata and cluster ranges stay denied unless cidrs names them or a part of them.
    """

    cidrs: Annotated[list[Cidr], Field(max_length=256), unique()] = Field(default_factory=list)
    """Ranges of addresses for hosts, URLs and registries that are written as addresses, e.g. 192.0.2.0/24. A range
    inside a denied one, e.g. 127.0.0.0/8, also lifts that denial for whatever resolves into it."""

    domain_suffixes: Annotated[list[DomainSuffix], Field(max_length=256), unique()] = Field(default_factory=list)
    """Domains with their subdomains, for hosts, URLs and registries, e.g. shop.example."""

    url_prefixes: Annotated[list[UrlPrefix], Field(max_length=128), unique()] = Field(default_factory=list)
    """Beginnings of URLs up to a /, e.g. https://shop.example/app: scheme, host and port must be equal."""

    repository_prefixes: Annotated[list[RepositoryPrefix], Field(max_length=128), unique()] = Field(
        default_factory=list
    )
    """Beginnings of repository URLs up to a /, e.g. https://git.example/team: the only way to allow a repository."""


class ScanPolicySpec(Model):
    """What the ScanRequests of this namespace may do.

    Several policies add up: a target or a scanner needs one policy that allows it, of every number the smallest holds.
    """

    allowed_targets: AllowedTargets | None = None
    """What may be scanned. Default: everything outside the denied ranges."""

    scanners: Annotated[list[Name], Field(max_length=100), unique()] | None = None
    """Names of the scanners that may be used. Default: all."""

    max_active_scans: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Unfinished scans at the same time; 0 stops all scanning. Default: no limit."""

    max_jobs_per_scan: Annotated[int, Field(ge=1, le=2_000)] | None = None
    """Jobs (scanners times the targets they take) of one scan. Default: the installation's limit, 2000."""

    max_priority: Priority | None = None
    """The most urgent priority that may be asked for. Default: interactive."""

    retention_days: Annotated[int, Field(ge=1, le=3_650)] | None = None
    """Days that scans and findings which are no longer seen are kept. Default: the installation's setting."""


class ScanPolicy(Resource):
    """What the ScanRequests of its namespace may scan, and how much."""

    KIND: ClassVar[str] = "ScanPolicy"
    PLURAL: ClassVar[str] = "scanpolicies"
    SHORT_NAME: ClassVar[str] = "spol"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("Max-Active", ".spec.maxActiveScans", "integer"),
        Column("Max-Jobs", ".spec.maxJobsPerScan", "integer"),
        Column("Max-Priority", ".spec.maxPriority"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    )

    api_version: Literal["secapi.dev/v1alpha1"] = "secapi.dev/v1alpha1"
    kind: Literal["ScanPolicy"] = "ScanPolicy"

    spec: ScanPolicySpec
    """What is allowed."""
