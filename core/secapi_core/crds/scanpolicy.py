"""ScanPolicy: what a namespace may scan."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secapi_core.crds.base import Model, Name, Resource
from secapi_core.messages import Priority


class AllowedTargets(Model):
    """Lists of what may be scanned; an empty list of one kind allows nothing of that kind.

    Loopback, private, link-local, metadata and cluster ranges stay denied unless a CIDR here names them.
    """

    cidrs: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=256)] = Field(default_factory=list)
    domain_suffixes: Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=256)] = Field(
        default_factory=list
    )
    url_prefixes: Annotated[list[Annotated[str, Field(max_length=2048)]], Field(max_length=256)] = Field(
        default_factory=list
    )
    repository_prefixes: Annotated[list[Annotated[str, Field(max_length=2048)]], Field(max_length=256)] = Field(
        default_factory=list
    )


class ScanPolicySpec(Model):
    """Limits for one namespace; several policies add up: a target needs one that allows it, a number the smallest."""

    allowed_targets: AllowedTargets | None = None
    scanners: Annotated[list[Name], Field(max_length=100)] | None = None
    max_active_scans: Annotated[int, Field(ge=0, le=100_000)] | None = None
    max_jobs_per_scan: Annotated[int, Field(ge=1, le=2_000)] | None = None
    max_priority: Priority | None = None
    retention_days: Annotated[int, Field(ge=1, le=3_650)] | None = None


class ScanPolicy(Resource):
    """What a namespace may scan, and how much."""

    KIND: ClassVar[str] = "ScanPolicy"
    PLURAL: ClassVar[str] = "scanpolicies"

    api_version: Literal["secapi.dev/v1alpha1"] = "secapi.dev/v1alpha1"
    kind: Literal["ScanPolicy"] = "ScanPolicy"
    spec: ScanPolicySpec
