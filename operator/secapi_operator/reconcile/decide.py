"""What a scan needs next. Pure: the object in memory, the ledger's row and two clocks give one step.

Nothing is remembered between two decisions, so it does not matter which event led here, how often, or in which
process: restarts, missed events and second leaders all end in the same steps.
"""

from dataclasses import dataclass

from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.queries.scans import ScanSummary
from secapi_core.ledger.states import ScanState
from secapi_operator.objects import Stage, StoredScan


@dataclass(frozen=True, slots=True)
class Nothing:
    """All is done, or something else will wake the key."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The ledger has no jobs for it yet."""

    scan: StoredScan


@dataclass(frozen=True, slots=True)
class Cancel:
    """It is not wanted any more; ``scan`` is ``None`` if the object is gone."""

    failure: Failure
    scan: StoredScan | None


@dataclass(frozen=True, slots=True)
class Show:
    """The status does not say yet what the ledger says."""

    scan: StoredScan
    summary: ScanSummary

    @property
    def final(self) -> bool:
        """Whether it shows the scan's end."""
        return self.summary.state.terminal


@dataclass(frozen=True, slots=True)
class Delete:
    """It finished long enough ago."""

    scan: StoredScan


Step = Nothing | Wait | Plan | Cancel | Show | Delete


@dataclass(frozen=True, slots=True)
class Delays:
    """How old a scan must be before its status says that it is queued, or running."""

    queued: float
    running: float


CANCELLED = Failure(FailureReason.CANCELLED, "cancelled by spec.cancel")
DELETED = Failure(FailureReason.REQUEST_DELETED, "the ScanRequest was deleted")


def decide(
    stored: StoredScan | None, summary: ScanSummary | None, delays: Delays, *, monotonic: float, wall: float
) -> Step:
    """The next step. ``monotonic`` and ``wall`` are ``time.monotonic()`` and ``time.time()``."""
    if stored is None:
        return Cancel(DELETED, None) if summary is not None and _cancellable(summary) else Nothing()
    if stored.stage is Stage.FINAL:
        return _after_the_end(stored, wall)
    if summary is not None and summary.state.terminal:
        return Show(stored, summary)
    if (stored.cancel or stored.deleting) and (summary is None or _cancellable(summary)):
        return Cancel(DELETED if stored.deleting else CANCELLED, stored)
    if summary is None or summary.state is ScanState.PENDING:
        return Plan(stored)
    if stored.stage is Stage.OPEN:
        return Nothing()
    delay = delays.queued if summary.state is ScanState.QUEUED else delays.running
    remaining = stored.noticed_at + delay - monotonic
    return Wait(remaining) if remaining > 0 else Show(stored, summary)


def _after_the_end(stored: StoredScan, wall: float) -> Step:
    if stored.ttl is None or stored.completed_at is None or stored.deleting:
        return Nothing()
    remaining = stored.completed_at + stored.ttl - wall
    return Wait(remaining) if remaining > 0 else Delete(stored)


def _cancellable(summary: ScanSummary) -> bool:
    return not summary.state.terminal and summary.cancel_requested_at is None
