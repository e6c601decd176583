"""The decision table: what a scan needs next, from the object in memory and the ledger's row."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_core.ledger.queries.scans import ScanSummary
from secapi_core.ledger.states import ScanState
from secapi_operator.objects import Stage, StoredScan
from secapi_operator.reconcile.decide import (
    CANCELLED,
    DELETED,
    Cancel,
    Delays,
    Delete,
    Nothing,
    Plan,
    Show,
    Step,
    Wait,
    decide,
)
from summaries import make_summary

DELAYS = Delays(queued=5.0, running=1.0)
NOTICED = 100.0
SCAN = StoredScan(
    namespace="team",
    name="one",
    uid=str(UUID(int=1)),
    version=1,
    generation=1,
    stage=Stage.BLANK,
    cancel=False,
    deleting=False,
    ttl=None,
    completed_at=None,
    spec="{}",
    noticed_at=NOTICED,
)
ASKED = datetime(2026, 11, 23, tzinfo=UTC)


def step(scan: StoredScan | None, summary: ScanSummary | None, *, age: float = 0.0, wall: float = 0.0) -> Step:
    return decide(scan, summary, DELAYS, monotonic=NOTICED + age, wall=wall)


@pytest.mark.parametrize("summary", [None, make_summary(ScanState.PENDING)])
def test_what_has_no_jobs_is_planned(summary: ScanSummary | None) -> None:
    assert step(SCAN, summary) == Plan(SCAN)


@pytest.mark.parametrize("state", [None, ScanState.PENDING, ScanState.QUEUED, ScanState.RUNNING])
@pytest.mark.parametrize("stage", [Stage.BLANK, Stage.OPEN])
def test_an_open_scan_that_is_not_wanted_is_cancelled(state: ScanState | None, stage: Stage) -> None:
    summary = make_summary(state) if state else None
    unwanted, deleting = replace(SCAN, cancel=True, stage=stage), replace(SCAN, deleting=True, stage=stage)
    assert step(unwanted, summary) == Cancel(CANCELLED, unwanted)
    assert step(deleting, summary) == Cancel(DELETED, deleting)


def test_a_cancellation_is_asked_for_once() -> None:
    unwanted = replace(SCAN, cancel=True, stage=Stage.OPEN)
    assert step(unwanted, make_summary(ScanState.RUNNING, cancel_requested_at=ASKED)) == Nothing()


@pytest.mark.parametrize("state", [ScanState.PENDING, ScanState.QUEUED, ScanState.RUNNING])
def test_an_open_scan_whose_object_is_gone_is_cancelled(state: ScanState) -> None:
    assert step(None, make_summary(state)) == Cancel(DELETED, None)


@pytest.mark.parametrize("state", [ScanState.SUCCEEDED, ScanState.FAILED, ScanState.CANCELLED, None])
def test_nothing_is_left_to_do_for_what_is_gone_and_over(state: ScanState | None) -> None:
    assert step(None, make_summary(state) if state else None) == Nothing()


@pytest.mark.parametrize(
    ("state", "age", "expected"),
    [
        (ScanState.QUEUED, 2.0, Wait(3.0)),
        (ScanState.QUEUED, 5.0, "show"),
        (ScanState.RUNNING, 0.25, Wait(0.75)),
        (ScanState.RUNNING, 1.0, "show"),
    ],
)
def test_the_first_status_waits_for_its_time(state: ScanState, age: float, expected: object) -> None:
    summary = make_summary(state)
    assert step(SCAN, summary, age=age) == (Show(SCAN, summary) if expected == "show" else expected)


@pytest.mark.parametrize("state", [ScanState.QUEUED, ScanState.RUNNING])
def test_an_open_scan_that_shows_so_is_left_alone(state: ScanState) -> None:
    assert step(replace(SCAN, stage=Stage.OPEN), make_summary(state), age=1e6) == Nothing()


@pytest.mark.parametrize("stage", [Stage.BLANK, Stage.OPEN])
@pytest.mark.parametrize("cancel", [False, True])
def test_an_ended_scan_is_shown_at_once(stage: Stage, cancel: bool) -> None:
    scan, summary = replace(SCAN, stage=stage, cancel=cancel), make_summary(ScanState.FAILED)
    assert step(scan, summary) == Show(scan, summary)


def test_a_shown_end_stays_until_its_time_to_live_is_over() -> None:
    kept = replace(SCAN, stage=Stage.FINAL, completed_at=1_000.0)
    assert step(kept, None, wall=1e9) == Nothing()
    mortal = replace(kept, ttl=60)
    assert step(mortal, None, wall=1_010.0) == Wait(50.0)
    assert step(mortal, None, wall=1_060.0) == Delete(mortal)
    assert step(replace(mortal, deleting=True), None, wall=1_060.0) == Nothing()


@given(
    stage=st.sampled_from(Stage),
    state=st.none() | st.sampled_from(ScanState),
    cancel=st.booleans(),
    deleting=st.booleans(),
    asked=st.booleans(),
    age=st.floats(0, 1e4),
)
def test_a_status_is_only_ever_written_to_say_more(
    stage: Stage, state: ScanState | None, cancel: bool, deleting: bool, asked: bool, age: float
) -> None:
    scan = replace(SCAN, stage=stage, cancel=cancel, deleting=deleting)
    summary = make_summary(state, cancel_requested_at=ASKED if asked else None) if state else None
    result = step(scan, summary, age=age)
    if isinstance(result, Show):
        shown = Stage.FINAL if result.summary.state.terminal else Stage.OPEN
        assert shown > stage
    if isinstance(result, Cancel):
        assert not asked or state is None
