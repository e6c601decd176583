"""Closed sets of words that requests may use."""

from enum import StrEnum


class Phase(StrEnum):
    """Of a scan."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Severity(StrEnum):
    """Of a finding, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Priority(StrEnum):
    """Of a scan's jobs, the most urgent first."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BULK = "bulk"


class Role(StrEnum):
    """What somebody may do; each role may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    TRIAGER = "triager"
    ADMIN = "admin"
