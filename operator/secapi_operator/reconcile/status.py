"""The status as people and machines read it. Pure: a function of the ledger's row, the same in every process.

Transition times come from the row as well, so what a second write repeats is equal to what the first one said.
"""

from datetime import datetime
from typing import Any

from secapi_core.conditions import ACCEPTED, GATE_PASSED, SUCCEEDED, ConditionStatus, set_condition
from secapi_core.crds.base import Condition
from secapi_core.crds.scanrequest import FindingCounts, Gate, JobCounts, Phase, ScanRequestStatus
from secapi_core.failures import Failure
from secapi_core.ledger.queries.scans import ScanSummary
from secapi_core.ledger.states import ScanState

PHASES = {state: Phase(state.value.capitalize()) for state in ScanState}


def project(summary: ScanSummary, *, generation: int, gate: Gate | None) -> dict[str, Any]:
    """The status of a scan the ledger knows; ``gate`` is the request's."""
    status = ScanRequestStatus(
        observed_generation=generation,
        phase=PHASES[summary.state],
        scan_id=str(summary.id),
        start_time=_whole_seconds(summary.started_at),
        completion_time=_whole_seconds(summary.completed_at),
        jobs=JobCounts(total=summary.jobs_total, succeeded=summary.jobs_succeeded, failed=summary.jobs_failed),
        findings=_findings(summary) if summary.state.terminal else None,
        conditions=_conditions(summary, generation, gate),
    )
    return status.to_wire()


def waiting(scan_id: str, since: datetime, why: Failure, *, generation: int) -> dict[str, Any]:
    """The status of a scan that is not refused, but cannot be planned at present."""
    conditions = set_condition(
        [], ACCEPTED, "Unknown", why.reason, why.message, now=since, observed_generation=generation
    )
    conditions = set_condition(
        conditions, SUCCEEDED, "Unknown", Phase.PENDING, "not started", now=since, observed_generation=generation
    )
    status = ScanRequestStatus(
        observed_generation=generation, phase=Phase.PENDING, scan_id=scan_id, conditions=conditions
    )
    return status.to_wire()


Verdict = tuple[ConditionStatus, str, str, datetime]
"""Status, reason, message and when it became so."""


def _conditions(summary: ScanSummary, generation: int, gate: Gate | None) -> list[Condition]:
    verdicts = {ACCEPTED: _accepted(summary), SUCCEEDED: _succeeded(summary)}
    if gate is not None and summary.state.terminal:
        verdicts[GATE_PASSED] = _gate_passed(summary, gate)
    conditions: list[Condition] = []
    for type_, (status, reason, message, at) in verdicts.items():
        conditions = set_condition(conditions, type_, status, reason, message, now=at, observed_generation=generation)
    return conditions


def _accepted(summary: ScanSummary) -> Verdict:
    if summary.jobs_total:
        jobs = "1 job" if summary.jobs_total == 1 else f"{summary.jobs_total} jobs"
        return "True", "Planned", f"planned as {jobs}", summary.created_at
    # A scan that ended without jobs was refused, or cancelled before anybody judged it.
    status: ConditionStatus = "False" if summary.state is ScanState.FAILED else "Unknown"
    return status, _reason(summary), summary.message or "", _ended_at(summary)


def _succeeded(summary: ScanSummary) -> Verdict:
    if summary.state is ScanState.SUCCEEDED:
        return "True", "Completed", "every job has succeeded", _ended_at(summary)
    if summary.state.terminal:
        return "False", _reason(summary), summary.message or "", _ended_at(summary)
    return "Unknown", PHASES[summary.state].value, "not finished", summary.created_at


def _gate_passed(summary: ScanSummary, gate: Gate) -> Verdict:
    which = f"{'new ' if gate.only_new else ''}finding of severity {gate.fail_on} or worse"
    if summary.gate_passed is None:
        return "Unknown", "NotEvaluated", "the scan did not succeed", _ended_at(summary)
    if summary.gate_passed:
        return "True", "Clean", f"no {which}", _ended_at(summary)
    return "False", "FindingsFound", f"at least one {which}", _ended_at(summary)


def _reason(summary: ScanSummary) -> str:
    """A condition's reason may not be empty."""
    return summary.reason or PHASES[summary.state].value


def _ended_at(summary: ScanSummary) -> datetime:
    return summary.completed_at or summary.created_at


def _findings(summary: ScanSummary) -> FindingCounts:
    return FindingCounts(
        critical=summary.findings_critical,
        high=summary.findings_high,
        medium=summary.findings_medium,
        low=summary.findings_low,
        info=summary.findings_info,
        new=summary.findings_new,
    )


def _whole_seconds(at: datetime | None) -> datetime | None:
    """Kubernetes writes times to the second."""
    return at.replace(microsecond=0) if at is not None else None
