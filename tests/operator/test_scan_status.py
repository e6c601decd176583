"""The status as a function of the ledger's row: a table, and the bounds that hold for every row."""

from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.crds.scanrequest import Gate, ScanRequestStatus
from secapi_core.errors import Rejected
from secapi_core.failures import Failure, FailureReason
from secapi_core.findings import Severity
from secapi_core.ledger.states import ScanState
from secapi_operator.objects import Stage, StoredScan
from secapi_operator.reconcile.requests import explain, field_path
from secapi_operator.reconcile.status import project, waiting
from summaries import COMPLETED, CREATED, make_summary

GATE = Gate(fail_on=Severity.HIGH)


def verdicts(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in status["conditions"]}


@pytest.mark.parametrize(
    ("state", "values", "phase", "accepted", "succeeded"),
    [
        (ScanState.QUEUED, {}, "Queued", ("True", "Planned"), ("Unknown", "Queued")),
        (ScanState.RUNNING, {}, "Running", ("True", "Planned"), ("Unknown", "Running")),
        (ScanState.SUCCEEDED, {}, "Succeeded", ("True", "Planned"), ("True", "Completed")),
        (
            ScanState.FAILED,
            {"reason": "TimedOut", "message": "took too long", "jobs_failed": 1},
            "Failed",
            ("True", "Planned"),
            ("False", "TimedOut"),
        ),
        (
            ScanState.FAILED,
            {"reason": "UnknownScanner", "message": "no such scanner", "jobs_total": 0},
            "Failed",
            ("False", "UnknownScanner"),
            ("False", "UnknownScanner"),
        ),
        (
            ScanState.CANCELLED,
            {"reason": "Cancelled", "message": "cancelled by spec.cancel"},
            "Cancelled",
            ("True", "Planned"),
            ("False", "Cancelled"),
        ),
        (
            ScanState.CANCELLED,
            {"reason": "Cancelled", "jobs_total": 0},
            "Cancelled",
            ("Unknown", "Cancelled"),
            ("False", "Cancelled"),
        ),
    ],
)
def test_conditions_and_phase_follow_from_the_row(
    state: ScanState, values: dict[str, Any], phase: str, accepted: tuple[str, str], succeeded: tuple[str, str]
) -> None:
    status = project(make_summary(state, **values), generation=3, gate=None)
    assert status["phase"] == phase
    assert verdicts(status) == {"Accepted": accepted, "Succeeded": succeeded}
    assert status["observedGeneration"] == 3
    assert all(condition["observedGeneration"] == 3 for condition in status["conditions"])


@pytest.mark.parametrize(
    ("state", "passed", "expected"),
    [
        (ScanState.SUCCEEDED, True, ("True", "Clean")),
        (ScanState.SUCCEEDED, False, ("False", "FindingsFound")),
        (ScanState.FAILED, None, ("Unknown", "NotEvaluated")),
        (ScanState.RUNNING, None, None),
    ],
)
def test_the_gate_is_judged_at_the_end(state: ScanState, passed: bool | None, expected: tuple[str, str] | None) -> None:
    status = project(make_summary(state, gate_passed=passed), generation=1, gate=GATE)
    assert verdicts(status).get("GatePassed") == expected


def test_counts_and_times_are_shown() -> None:
    summary = make_summary(ScanState.SUCCEEDED, findings_high=3, findings_new=2)
    status = project(summary, generation=1, gate=None)
    assert status["scanId"] == str(summary.id)
    assert status["jobs"] == {"total": 2, "succeeded": 2, "failed": 0}
    assert status["findings"] == {"critical": 0, "high": 3, "medium": 0, "low": 0, "info": 0, "new": 2}
    assert status["startTime"] == "2026-11-23T12:00:02Z"
    assert datetime.fromisoformat(status["completionTime"]) == COMPLETED.replace(microsecond=0)


def test_an_open_scan_shows_no_findings_and_no_end() -> None:
    status = project(make_summary(ScanState.RUNNING, findings_high=3), generation=1, gate=None)
    assert "findings" not in status
    assert "completionTime" not in status


def test_what_does_not_change_keeps_its_transition_time() -> None:
    earlier = project(make_summary(ScanState.RUNNING), generation=1, gate=None)
    later = project(make_summary(ScanState.SUCCEEDED), generation=1, gate=None)
    assert earlier["conditions"][0] == later["conditions"][0]


def test_a_waiting_scan_says_why_and_counts_as_open() -> None:
    why = Failure(FailureReason.QUOTA_EXCEEDED, "the namespace has 3 unfinished scans")
    status = waiting("uid", CREATED, why, generation=1)
    assert status["phase"] == "Pending"
    assert verdicts(status) == {"Accepted": ("Unknown", "QuotaExceeded"), "Succeeded": ("Unknown", "Pending")}
    assert stage(status) is Stage.OPEN


def stage(status: dict[str, Any]) -> Stage:
    metadata = {"namespace": "team", "name": "one", "uid": "u", "resourceVersion": "1"}
    return StoredScan.parse({"metadata": metadata, "spec": {}, "status": status}).stage


@given(
    state=st.sampled_from([state for state in ScanState if state is not ScanState.PENDING]),
    reason=st.none() | st.sampled_from(FailureReason),
    message=st.none() | st.text(max_size=1024),
    jobs=st.integers(0, 2_000),
    count=st.integers(0, 2**31 - 1),
    passed=st.none() | st.booleans(),
    gate=st.none() | st.just(Gate(fail_on=Severity.LOW, only_new=True)),
)
def test_every_status_is_valid_small_and_says_how_far_the_scan_is(
    state: ScanState,
    reason: FailureReason | None,
    message: str | None,
    jobs: int,
    count: int,
    passed: bool | None,
    gate: Gate | None,
) -> None:
    summary = make_summary(
        state,
        reason=reason,
        message=message,
        jobs_total=jobs,
        findings_critical=count,
        findings_high=count,
        findings_medium=count,
        findings_low=count,
        findings_info=count,
        findings_new=count,
        gate_passed=passed,
    )
    status = project(summary, generation=1, gate=gate)
    ScanRequestStatus.model_validate(status)
    assert len(orjson.dumps(status)) <= 3_000
    assert stage(status) is (Stage.FINAL if state.terminal else Stage.OPEN)


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("", "spec"),
        ("/priority", "spec.priority"),
        ("/scanners/0/name", "spec.scanners[0].name"),
        ("/scanners/10/parameters/a~1b~0c", "spec.scanners[10].parameters.a/b~c"),
    ],
)
def test_a_pointer_is_spelled_as_kubernetes_spells_fields(pointer: str, path: str) -> None:
    assert field_path(pointer) == path


def test_a_rejection_is_explained_with_its_field() -> None:
    rejection = Rejected(FailureReason.UNKNOWN_SCANNER, "/scanners/0/name", "there is no Scanner named 'x'")
    assert explain(rejection).message == "spec.scanners[0].name: there is no Scanner named 'x'"
