"""Names and marks by which a repeated submission is recognised."""

import re
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import Conflict, IdempotencyKeyReused
from secapi_api.kube.scan_requests import StoredRequest
from secapi_api.scans.schemas import CreateScan
from secapi_api.scans.submission import Submission

ALICE = Caller("key:1", "alice", {"team-a": Role.OPERATOR})
BOB = Caller("key:2", "bob", everywhere=Role.OPERATOR)


def body(**changes: Any) -> CreateScan:
    spec = {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "web"}]}
    return CreateScan.model_validate({"namespace": "team-a", "spec": spec, **changes})


def existing(submission: Submission) -> StoredRequest:
    return StoredRequest(uuid4(), submission.name, submission.mark, True)


def test_the_same_key_and_body_are_the_same_submission() -> None:
    assert Submission.of(body(), ALICE, "k") == Submission.of(body(), ALICE, "k")


@pytest.mark.parametrize(
    ("caller", "key", "changes"),
    [(BOB, "k", {}), (ALICE, "other", {}), (ALICE, "k", {"namespace": "team-b"})],
    ids=["another caller", "another key", "another namespace"],
)
def test_what_belongs_to_a_key_makes_another_name(caller: Caller, key: str, changes: dict[str, Any]) -> None:
    first, second = Submission.of(body(), ALICE, "k"), Submission.of(body(**changes), caller, key)
    assert first.name != second.name


def test_another_body_under_the_same_key_is_told_apart_from_a_taken_name() -> None:
    first = Submission.of(body(), ALICE, "k")
    other = Submission.of(body(spec=body().spec.model_copy(update={"max_attempts": 1})), ALICE, "k")
    assert (other.name, other.mark != first.mark) == (first.name, True)
    assert isinstance(other.refusal(existing(first)), IdempotencyKeyReused)


def test_a_name_taken_by_anybody_else_is_a_conflict() -> None:
    first = Submission.of(body(name="nightly"), ALICE, "k")
    for caller, key in ((ALICE, None), (BOB, "k"), (ALICE, "k2")):
        assert isinstance(Submission.of(body(name="nightly"), caller, key).refusal(existing(first)), Conflict)


def test_a_name_made_with_kubectl_is_a_conflict() -> None:
    by_hand = StoredRequest(uuid4(), "nightly", None, True)
    for key in (None, "k"):
        assert isinstance(Submission.of(body(name="nightly"), ALICE, key).refusal(by_hand), Conflict)


def test_a_rerun_is_told_apart_from_a_scan_that_asks_for_the_same_and_from_other_reruns() -> None:
    plain, rerun, other = (Submission.of(body(), ALICE, "k", rerun_of=scan) for scan in (None, uuid4(), uuid4()))
    assert plain.name == rerun.name == other.name
    assert len({plain.mark, rerun.mark, other.mark}) == 3
    assert isinstance(rerun.refusal(existing(other)), IdempotencyKeyReused)


def test_a_replay_is_the_same_submission_whoever_asks_for_it() -> None:
    letter, spec = uuid4(), body().spec
    alice, bob = (Submission.replay(letter, "team-a", spec, caller) for caller in (ALICE, BOB))
    assert (alice.name, alice.mark, alice.key) == (bob.name, bob.mark, bob.key)
    assert re.fullmatch(r"replay-[a-z2-7]{26}", alice.name)
    assert Submission.replay(uuid4(), "team-a", spec, ALICE).name != alice.name


def test_without_name_and_key_every_submission_is_a_scan_of_its_own() -> None:
    assert Submission.of(body(), ALICE, None).name != Submission.of(body(), ALICE, None).name


@given(st.none() | st.text(min_size=1, max_size=255))
def test_every_made_up_name_is_one_that_kubernetes_takes(key: str | None) -> None:
    name = Submission.of(body(), ALICE, key).name
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)
