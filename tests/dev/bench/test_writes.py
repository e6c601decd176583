"""Counting Kubernetes writes in the apiserver's audit log."""

import json
from pathlib import Path
from typing import Any

import pytest

from secapi_dev.bench.writes import count, measure


def line(verb: str, name: str, *, resource: str = "scanrequests", namespace: str = "default") -> str:
    event: dict[str, Any] = {"verb": verb, "objectRef": {"resource": resource, "namespace": namespace, "name": name}}
    return json.dumps(event) + "\n"


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    path = tmp_path / "audit.log"
    path.write_text(
        line("create", "a")
        + line("create", "b")
        + line("patch", "a")
        + line("patch", "b")
        + line("patch", "b")
        + line("update", "secapi-operator", resource="leases", namespace="secapi-system")
        + line("create", "a", namespace="another")
        + json.dumps({"verb": "create"})
        + "\n"
        + line("delete", "a")
        + line("delete", "b")
        + line("delete", "c").rstrip("\n")  # is just being written
    )
    return path


def test_only_complete_lines_about_scanrequests_of_the_namespace_count(audit_log: Path) -> None:
    assert count(audit_log) == {"a": 3, "b": 4}
    assert count(audit_log, "patch") == {"a": 1, "b": 2}


async def test_mean_and_most_writes_are_those_of_the_named_scans(audit_log: Path) -> None:
    assert await measure(audit_log, ["a", "b"]) == {"writes_per_scan_mean": 3.5, "writes_per_scan_max": 4}
    assert await measure(audit_log, ["a"]) == {"writes_per_scan_mean": 3.0, "writes_per_scan_max": 3}
