"""What the store makes of watch events, lists and our own writes, in whatever order they come."""

from typing import Any

import pytest

from secapi_operator.objects import ScanKey, Stage, StoredPolicy, StoredScan, StoredScanner
from secapi_operator.store import Store


def raw_scan(name: str = "a", *, uid: str = "u1", version: int = 1, **changes: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": name, "uid": uid, "resourceVersion": str(version), "generation": 1}
    spec = {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "nmap"}]}
    return {
        "metadata": metadata | changes.get("metadata", {}),
        "spec": spec | changes.get("spec", {}),
        "status": changes.get("status", {}),
    }


def scan(name: str = "a", **changes: Any) -> StoredScan:
    return StoredScan.parse(raw_scan(name, **changes))


def with_condition(status: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Accepted", "status": "True"}, {"type": "Succeeded", "status": status}]}


@pytest.fixture
def woken() -> list[ScanKey]:
    return []


@pytest.fixture
def store(woken: list[ScanKey]) -> Store:
    return Store(woken.append)


def test_a_scan_is_trimmed_to_what_is_needed() -> None:
    status = with_condition("False") | {"completionTime": "2026-11-23T12:00:00Z"}
    stored = scan(spec={"ttlSecondsAfterFinished": 60, "cancel": True}, status=status)
    assert stored.key == ScanKey("team", "a", "u1")
    assert (stored.stage, stored.cancel, stored.ttl, stored.spec) == (Stage.FINAL, True, 60, None)
    assert stored.completed_at == 1_795_435_200.0


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ({}, Stage.BLANK),
        ({"conditions": [{"type": "Accepted", "status": "True"}]}, Stage.BLANK),
        (with_condition("Unknown"), Stage.OPEN),
        (with_condition("True"), Stage.FINAL),
        (with_condition("False"), Stage.FINAL),
    ],
)
def test_the_stage_is_read_from_the_condition(status: dict[str, Any], stage: Stage) -> None:
    assert scan(status=status).stage is stage


def test_a_new_scan_is_woken_once(store: Store, woken: list[ScanKey]) -> None:
    store.scans.put(scan())
    store.scans.put(scan())
    assert woken == [ScanKey("team", "a", "u1")]


def test_our_own_status_write_wakes_nothing(store: Store, woken: list[ScanKey]) -> None:
    store.scans.put(scan())
    woken.clear()
    store.scans.put(scan(version=2, status=with_condition("Unknown")))
    store.scans.put(scan(version=3, status=with_condition("True")))
    assert woken == []


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"cancel": True}},
        {"metadata": {"deletionTimestamp": "2026-11-23T12:00:00Z"}},
        {"metadata": {"generation": 2}},
    ],
)
def test_what_a_person_changes_wakes(store: Store, woken: list[ScanKey], change: dict[str, Any]) -> None:
    store.scans.put(scan(status=with_condition("Unknown")))
    woken.clear()
    store.scans.put(scan(version=2, status=with_condition("Unknown"), **change))
    assert woken == [ScanKey("team", "a", "u1")]


def test_an_older_version_changes_nothing(store: Store) -> None:
    store.scans.put(scan(version=5, spec={"cancel": True}))
    store.scans.put(scan(version=4))
    stored = store.scans.get("team", "a")
    assert stored is not None
    assert stored.cancel


def test_when_a_scan_was_noticed_survives_its_updates(store: Store) -> None:
    first = scan()
    store.scans.put(first)
    store.scans.put(scan(version=2, spec={"cancel": True}))
    stored = store.scans.get("team", "a")
    assert stored is not None
    assert stored.noticed_at == first.noticed_at


def test_a_deleted_open_scan_is_woken_and_a_finished_one_is_not(store: Store, woken: list[ScanKey]) -> None:
    store.scans.put(scan("a"))
    store.scans.put(scan("b", uid="u2", status=with_condition("True")))
    woken.clear()
    store.scans.remove(scan("a", version=9))
    store.scans.remove(scan("b", uid="u2", version=9))
    assert woken == [ScanKey("team", "a", "u1")]
    assert len(store.scans) == 0


def test_a_name_used_again_wakes_both_lives(store: Store, woken: list[ScanKey]) -> None:
    store.scans.put(scan())
    woken.clear()
    store.scans.put(scan(uid="u2", version=7))
    assert woken == [ScanKey("team", "a", "u1"), ScanKey("team", "a", "u2")]
    assert store.scan(ScanKey("team", "a", "u1")) is None


def test_a_late_deletion_of_the_former_life_leaves_the_new_one(store: Store) -> None:
    store.scans.put(scan(uid="u2", version=7))
    store.scans.remove(scan(uid="u1", version=6))
    assert store.scan(ScanKey("team", "a", "u2")) is not None


def test_a_list_removes_what_it_does_not_show(store: Store, woken: list[ScanKey]) -> None:
    store.scans.put(scan("a", uid="u1", version=1))
    store.scans.put(scan("b", uid="u2", version=2))
    woken.clear()
    with store.scans.listing() as page:
        page([scan("b", uid="u2", version=2)], 10)
    assert woken == [ScanKey("team", "a", "u1")]
    assert store.scans.complete


def test_a_list_keeps_what_is_newer_than_itself(store: Store) -> None:
    with store.scans.listing() as page:
        page([], 10)
        store.scans.put(scan("b", uid="u2", version=11))
    assert store.scans.get("team", "b") is not None


def test_a_list_does_not_bring_back_what_was_deleted_meanwhile(store: Store) -> None:
    store.scans.put(scan(version=3))
    with store.scans.listing() as page:
        store.scans.remove(scan(version=12))
        page([scan(version=3)], 10)
    assert len(store.scans) == 0


def test_a_list_that_fails_halfway_removes_nothing_and_completes_nothing(store: Store) -> None:
    store.scans.put(scan())

    def fail() -> None:
        with store.scans.listing() as page:
            page([], 10)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fail()
    assert len(store.scans) == 1
    assert not store.complete


def test_an_unreadable_scanner_is_not_in_the_catalogue_and_an_unreadable_policy_allows_nothing(store: Store) -> None:
    metadata = {"name": "x", "uid": "u", "resourceVersion": "1"}
    store.scanners.put(StoredScanner.parse({"metadata": metadata, "spec": {"title": "from the future"}}))
    store.policies.put(StoredPolicy.parse({"metadata": metadata | {"namespace": "team"}, "spec": {"odd": 1}}))
    assert store.catalogue() == {}
    assert [policy.scanners for policy in store.policies_of("team")] == [[]]
    assert store.policies_of("other") == []
