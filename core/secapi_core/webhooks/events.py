"""What webhooks are told, and what becomes of telling them: closed sets that show in REST, logs and metrics.

A member never changes its meaning once released; receivers must put up with new ones.
"""

from enum import StrEnum


class Event(StrEnum):
    """``type`` of an event; what belongs to one thing begins with its name."""

    SCAN_SUCCEEDED = "scan.succeeded"
    SCAN_FAILED = "scan.failed"
    SCAN_CANCELLED = "scan.cancelled"
    PING = "webhook.ping"
    """Asked for by a person; nobody subscribes to it."""


class DeliveryFailure(StrEnum):
    """Why a try did not bring an event to its receiver."""

    ADDRESS_FORBIDDEN = "AddressForbidden"
    UNRESOLVABLE = "Unresolvable"
    UNREACHABLE = "Unreachable"
    TLS_FAILED = "TlsFailed"
    TIMED_OUT = "TimedOut"
    ANSWER_INVALID = "AnswerInvalid"
    REFUSED = "Refused"
    """The receiver answered with a status other than 2xx; a redirect is one of those."""

    GONE = "Gone"
    """It answered 410: it wants nothing any more."""

    WEBHOOK_DISABLED = "WebhookDisabled"
    WORKER_LOST = "WorkerLost"
    """Every try was begun and none ended."""

    INTERNAL_ERROR = "InternalError"


class Disabled(StrEnum):
    """Why a webhook gets nothing any more."""

    REQUESTED = "Requested"
    GONE = "Gone"
    FAILING = "Failing"
    """So many deliveries in a row failed for good that nobody seems to be there."""
