"""Why a job or a scan did not succeed: the one closed set of reasons.

A reason is what REST, the custom resource's conditions, logs and metrics all show, so it is CamelCase as
Kubernetes condition reasons are, and it never changes its meaning once released. The sentence for a person
travels beside it as ``message``.
"""

from dataclasses import dataclass
from enum import StrEnum

MESSAGE_LIMIT = 1024
"""Characters of a failure's message that are kept; scanners can print megabytes."""


class FailureReason(StrEnum):
    """Typed reasons, grouped by who has to act."""

    # The request cannot be carried out as written; the submitter acts. Never retried.
    INVALID_SPEC = "InvalidSpec"
    UNKNOWN_SCANNER = "UnknownScanner"
    NO_MATCHING_TARGET = "NoMatchingTarget"
    INVALID_PARAMETER = "InvalidParameter"
    TARGET_FORBIDDEN = "TargetForbidden"
    SCANNER_FORBIDDEN = "ScannerForbidden"
    QUOTA_EXCEEDED = "QuotaExceeded"
    PRIORITY_FORBIDDEN = "PriorityForbidden"

    # The target or its source could not be had.
    TARGET_UNRESOLVABLE = "TargetUnresolvable"
    TARGET_UNREACHABLE = "TargetUnreachable"
    REPOSITORY_UNAVAILABLE = "RepositoryUnavailable"
    ARTIFACT_MISSING = "ArtifactMissing"
    ARTIFACT_INVALID = "ArtifactInvalid"
    SOURCE_TOO_LARGE = "SourceTooLarge"

    # The scanner ran and did not do its work.
    TOOL_MISSING = "ToolMissing"
    SCANNER_FAILED = "ScannerFailed"
    SCANNER_CRASHED = "ScannerCrashed"
    OUT_OF_MEMORY = "OutOfMemory"
    TIMED_OUT = "TimedOut"
    OUTPUT_TOO_LARGE = "OutputTooLarge"
    OUTPUT_MISSING = "OutputMissing"
    OUTPUT_INVALID = "OutputInvalid"

    # The platform lost the worker, or somebody ended the work.
    WORKER_LOST = "WorkerLost"
    WORKER_DRAINED = "WorkerDrained"
    INTERNAL_ERROR = "InternalError"
    CANCELLED = "Cancelled"
    REQUEST_DELETED = "RequestDeleted"

    @property
    def retryable(self) -> bool:
        """Whether running the same job again, unchanged, may well succeed."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        FailureReason.TARGET_UNRESOLVABLE,
        FailureReason.TARGET_UNREACHABLE,
        FailureReason.REPOSITORY_UNAVAILABLE,
        FailureReason.SCANNER_CRASHED,
        FailureReason.OUT_OF_MEMORY,
        FailureReason.WORKER_LOST,
        FailureReason.WORKER_DRAINED,
        FailureReason.INTERNAL_ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A typed reason and one sentence that says what happened and what to do about it."""

    reason: FailureReason
    message: str

    def __post_init__(self) -> None:
        """Bound the message and drop what Postgres text cannot hold."""
        text = self.message.replace("\0", "\N{REPLACEMENT CHARACTER}").strip()
        object.__setattr__(self, "message", text[:MESSAGE_LIMIT])
