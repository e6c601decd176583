"""From a ScanRequest to its jobs. Pure: the same request, catalogue and policies always give the same plan.

The operator plans and stores the plan; the API plans first to answer a doomed request at once. Job ids are derived
from scan, scanner and target, so planning a scan again finds the jobs that are there (promise P1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import orjson

from secapi_core.argv import Paths, build_argv, target_fields
from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanpolicy import ScanPolicySpec
from secapi_core.crds.scanrequest import ScannerUse, ScanRequestSpec, Target
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.networks import Network
from secapi_core.parameters import complete_parameters
from secapi_core.policies import Permissions, smallest
from secapi_core.targets import CanonicalTarget, Scope, canonical
from secapi_core.templates import TemplateError

_ANY_PATHS = Paths(output="/output", workdir="/workdir", rules="/rules", source="/source")
_ANY_ADDRESS = "192.0.2.1"
"""Stands for what only the worker knows while argv is tried out here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformLimits:
    """What the whole installation imposes on every request."""

    denied_cidrs: tuple[Network, ...] = ()
    """The cluster's own ranges: pods, services, nodes."""

    max_jobs_per_scan: int = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """One scanner on one target. ``target`` is in canonical spelling; ``ordinal`` counts from 0 within the scan."""

    id: UUID
    ordinal: int
    scanner: str
    scanner_digest: str
    family: str
    pool: str
    target: Target
    target_key: str
    parameters: dict[str, Any]
    timeout_seconds: int
    max_attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The jobs of a scan, the addresses they may touch, and the catalogue entries they use by digest."""

    jobs: list[PlannedJob]
    scope: Scope
    scanner_specs: dict[str, ScannerSpec] = field(default_factory=dict)


def plan(
    scan_id: UUID,
    spec: ScanRequestSpec,
    scanners: Mapping[str, ScannerSpec],
    policies: Sequence[ScanPolicySpec],
    platform: PlatformLimits,
) -> Plan:
    """Cross every scanner with the targets it takes.

    ``scanners`` is the catalogue by name, ``policies`` are those of the request's namespace. Raises ``Rejected`` for
    the first problem, with the pointer of the field at fault below ``/spec``.
    """
    permissions = Permissions.of(policies, platform.denied_cidrs)
    permissions.check_priority(spec.priority, "/priority")
    targets = _checked_targets(spec.targets, permissions)
    uses = [_checked_scanner(index, use, scanners, permissions) for index, use in enumerate(spec.scanners)]
    pairs = _pairs(uses, targets)
    _check_job_count(len(pairs), permissions.max_jobs, platform.max_jobs_per_scan)
    jobs = [
        PlannedJob(
            id=job_id(scan_id, use.name, target.key),
            ordinal=ordinal,
            scanner=use.name,
            scanner_digest=use.digest,
            family=use.spec.family or use.name,
            pool=use.spec.pool,
            target=target.target,
            target_key=target.key,
            parameters=use.parameters,
            timeout_seconds=spec.timeout_seconds,
            max_attempts=spec.max_attempts,
        )
        for ordinal, (use, target) in enumerate(pairs)
    ]
    return Plan(jobs=jobs, scope=permissions.scope, scanner_specs={use.digest: use.spec for use in uses})


def job_id(scan_id: UUID, scanner: str, target_key: str) -> UUID:
    """The id under which the ledger knows this scanner on this target within the scan."""
    return uuid5(scan_id, f"{scanner}|{target_key}")


def scanner_digest(spec: ScannerSpec) -> str:
    """``sha256:`` and the hexadecimal digest of the catalogue entry as canonical JSON: what exactly ran."""
    return f"sha256:{sha256(orjson.dumps(spec.to_wire(), option=orjson.OPT_SORT_KEYS)).hexdigest()}"


def check_quota(active: int, policies: Sequence[ScanPolicySpec]) -> None:
    """Raise ``Rejected(QuotaExceeded)`` if the namespace already has as many unfinished scans as its policies allow."""
    ceiling = smallest(policy.max_active_scans for policy in policies)
    if ceiling is not None and active >= ceiling:
        raise Rejected(
            FailureReason.QUOTA_EXCEEDED,
            "",
            f"the namespace has {active} unfinished scans and its ScanPolicies allow {ceiling} (maxActiveScans); "
            f"wait for one to finish or cancel one",
        )


@dataclass(frozen=True, slots=True)
class _Use:
    """A scanner of the request with everything looked up."""

    name: str
    spec: ScannerSpec
    digest: str
    parameters: dict[str, Any]


def _checked_targets(targets: Sequence[Target], permissions: Permissions) -> list[CanonicalTarget]:
    """The targets in canonical form, each allowed and no two of them the same."""
    checked: dict[str, CanonicalTarget] = {}
    positions: dict[str, int] = {}
    for index, target in enumerate(targets):
        pointer = f"/targets/{index}"
        try:
            spelled = canonical(target)
        except Rejected as error:
            raise Rejected(error.failure.reason, pointer + error.pointer, error.failure.message) from error
        if spelled.key in checked:
            raise Rejected(
                FailureReason.INVALID_SPEC,
                pointer,
                f"is the same target as /targets/{positions[spelled.key]}: both are {spelled.key}; "
                f"merge them or scan them in two requests",
            )
        permissions.check_target(spelled, pointer)
        checked[spelled.key], positions[spelled.key] = spelled, index
    return list(checked.values())


def _checked_scanner(
    index: int, use: ScannerUse, scanners: Mapping[str, ScannerSpec], permissions: Permissions
) -> _Use:
    """The catalogue entry of ``use``, allowed, with its parameters completed and checked."""
    spec = scanners.get(use.name)
    if spec is None:
        raise Rejected(
            FailureReason.UNKNOWN_SCANNER,
            f"/scanners/{index}/name",
            f"there is no Scanner named {use.name!r}; kubectl get scanners lists those there are",
        )
    permissions.check_scanner(use.name, f"/scanners/{index}/name")
    parameters = complete_parameters(use.name, spec.parameters_schema, use.parameters, f"/scanners/{index}/parameters")
    return _Use(use.name, spec, scanner_digest(spec), parameters)


def _pairs(uses: Sequence[_Use], targets: Sequence[CanonicalTarget]) -> list[tuple[_Use, CanonicalTarget]]:
    """Every scanner with every target it takes; neither a scanner nor a target may be left without a partner."""
    pairs = []
    scanned: set[str] = set()
    for scanner_index, use in enumerate(uses):
        takes = [(index, target) for index, target in enumerate(targets) if target.type in use.spec.target_types]
        if not takes:
            raise Rejected(
                FailureReason.NO_MATCHING_TARGET,
                f"/scanners/{scanner_index}",
                f"scanner {use.name!r} takes {' and '.join(use.spec.target_types)} targets and the request has none",
            )
        for target_index, target in takes:
            _try_argv(use, target, scanner_index, target_index)
            scanned.add(target.key)
            pairs.append((use, target))
    for index, target in enumerate(targets):
        if target.key not in scanned:
            raise Rejected(
                FailureReason.NO_MATCHING_TARGET,
                f"/targets/{index}",
                f"none of the request's scanners takes {target.type} targets, so this one would not be scanned; "
                f"add a scanner for it or remove it",
            )
    return pairs


def _try_argv(use: _Use, target: CanonicalTarget, scanner_index: int, target_index: int) -> None:
    """Refuse values that may not become arguments now, not when the job is about to start."""
    fields = target_fields(target.target, pinned_address=_ANY_ADDRESS)
    try:
        build_argv(
            use.spec,
            use.parameters,
            fields,
            _ANY_PATHS,
            scanner_index=scanner_index,
            target_index=target_index,
        )
    except TemplateError as error:
        raise Rejected(
            FailureReason.INVALID_PARAMETER,
            f"/scanners/{scanner_index}",
            f"the catalogue entry of scanner {use.name!r} cannot be used with this target: {error}",
        ) from error


def _check_job_count(jobs: int, by_policy: int | None, by_platform: int) -> None:
    ceiling = by_platform if by_policy is None else min(by_policy, by_platform)
    if jobs > ceiling:
        raise Rejected(
            FailureReason.QUOTA_EXCEEDED,
            "/targets",
            f"the request makes {jobs} jobs (scanners times the targets they take) and {ceiling} are allowed "
            f"(maxJobsPerScan); split it into smaller requests",
        )
