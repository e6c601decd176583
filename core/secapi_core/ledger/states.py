"""The states of scans and jobs, and which steps between them exist.

Job: ``queued → running → succeeded | failed | cancelled | dead``; ``running → queued`` after a lost lease or a
retryable failure. Scan: ``pending → queued → running → succeeded | failed | cancelled``.
"""

from enum import StrEnum


class ScanState(StrEnum):
    """``pending``: accepted, not yet planned into jobs; ``queued``: planned, no job has started."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing changes any more."""
        return self in TERMINAL_SCAN_STATES


class JobState(StrEnum):
    """``dead``: out of attempts; the job is in the dead-letter list."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"

    @property
    def terminal(self) -> bool:
        """Whether nothing changes any more."""
        return self in TERMINAL_JOB_STATES


class AttemptState(StrEnum):
    """How one attempt ended; ``lost``: its lease ran out, ``released``: a draining worker gave it back."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    RELEASED = "released"
    CANCELLED = "cancelled"


class DeliveryState(StrEnum):
    """What became of telling a webhook; ``pending``: not yet, or not yet with success."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class FindingState(StrEnum):
    """Triage of a finding."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    FALSE_POSITIVE = "falsePositive"
    ACCEPTED_RISK = "acceptedRisk"
    FIXED = "fixed"


TERMINAL_SCAN_STATES = frozenset({ScanState.SUCCEEDED, ScanState.FAILED, ScanState.CANCELLED})
TERMINAL_JOB_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.DEAD})
