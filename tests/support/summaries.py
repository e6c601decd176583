"""Rows of the ledger as the operator reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from secapi_core.ledger.queries.scans import ScanSummary
from secapi_core.ledger.states import ScanState
from secapi_core.messages import Priority

CREATED = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)
STARTED = CREATED + timedelta(seconds=2)
COMPLETED = CREATED + timedelta(minutes=1)


def make_summary(state: ScanState, **values: Any) -> ScanSummary:
    """A scan of two jobs in ``state``; ``values`` replace fields."""
    planned = state is not ScanState.PENDING
    defaults: dict[str, Any] = {
        "id": UUID(int=1),
        "namespace": "team",
        "name": "one",
        "priority": Priority.NORMAL,
        "state": state,
        "reason": None,
        "message": None,
        "cancel_requested_at": None,
        "jobs_total": 2 if planned else 0,
        "jobs_open": 0 if state.terminal or not planned else 2,
        "jobs_succeeded": 2 if state is ScanState.SUCCEEDED else 0,
        "jobs_failed": 0,
        "jobs_cancelled": 0,
        "findings_critical": 0,
        "findings_high": 0,
        "findings_medium": 0,
        "findings_low": 0,
        "findings_info": 0,
        "findings_new": 0,
        "gate_passed": None,
        "created_at": CREATED,
        "updated_at": CREATED,
        "started_at": STARTED if state in (ScanState.RUNNING, ScanState.SUCCEEDED) else None,
        "completed_at": COMPLETED if state.terminal else None,
        "version": 1,
    }
    return ScanSummary(**defaults | values)
