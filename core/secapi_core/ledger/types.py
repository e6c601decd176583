# ruff: noqa: A005 - always imported by its full name
"""What goes into transitions and comes out of them: plain values, detached from any session.

Every time is the database's clock. Reads have their own values beside each query.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanrequest import ScanRequestSpec, Target
from secapi_core.findings import Severity, clean
from secapi_core.ledger.states import JobState
from secapi_core.messages import Priority
from secapi_core.targets import Scope
from secapi_core.webhooks.events import DeliveryFailure

LOG_TAIL_LIMIT = 8_192
"""Characters of a tool's log that an attempt keeps."""

RESPONSE_LIMIT = 1_024
"""Bytes of a receiver's answer that are read, and characters that a delivery keeps."""


@dataclass(frozen=True, slots=True)
class NewScan:
    """A ScanRequest as it is entered in the ledger; ``id`` is its ``metadata.uid``."""

    id: UUID
    namespace: str
    name: str
    spec: ScanRequestSpec
    submitted_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job that this worker now owns as ``attempt``, with everything needed to run it."""

    id: UUID
    scan_id: UUID
    namespace: str
    scanner: str
    family: str
    spec: ScannerSpec
    scope: Scope
    target: Target
    target_key: str
    parameters: dict[str, Any]
    timeout_seconds: int
    attempt: int
    max_attempts: int
    priority: Priority
    pool: str
    created_at: datetime
    claimed_at: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a worker learns while it extends its lease."""

    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class RunReport:
    """What an attempt cost: ``stats`` has seconds and bytes per phase; ``log_tail`` keeps its last characters."""

    exit_code: int | None
    log_tail: str
    stats: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the end of the log, where tools say what went wrong, as text that Postgres can store."""
        object.__setattr__(self, "log_tail", clean(self.log_tail[-LOG_TAIL_LIMIT:], LOG_TAIL_LIMIT))


@dataclass(frozen=True, slots=True)
class IngestCounts:
    """Distinct findings of one job's report; ``new`` ones the namespace had never seen."""

    seen: int
    new: int
    by_severity: dict[Severity, int]
    quarantined: int


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One message that is due: ``task`` is its name, ``subject_id`` the job or delivery to look at."""

    id: int
    task: str
    subject_id: UUID
    queue: str


@dataclass(frozen=True, slots=True)
class ReapedJob:
    """A job whose worker fell silent in ``attempt``, and what became of it."""

    id: UUID
    scan_id: UUID
    namespace: str
    scanner: str
    pool: str
    attempt: int
    state: JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """An event that this worker now tells a webhook, as the ``attempts``-th try; ``payload`` is the body.

    ``signing_versions`` number the secrets that the receiver may have, the newest first.
    """

    id: UUID
    webhook_id: UUID
    namespace: str
    event_type: str
    event_id: UUID
    payload: dict[str, Any]
    attempts: int
    url: str
    disabled: bool
    signing_versions: list[int]


@dataclass(frozen=True, slots=True)
class DeliveryAnswer:
    """How one try went: ``failure`` is ``None`` if the receiver took the event.

    ``response`` is the beginning of what it said, or one sentence about why it said nothing.
    """

    failure: DeliveryFailure | None
    response: str = ""
    status_code: int | None = None
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        """Keep what Postgres can store and a person reads."""
        object.__setattr__(self, "response", clean(self.response, RESPONSE_LIMIT))
