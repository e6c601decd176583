"""A ScanRequest stays small in etcd whatever it scans (promise P12)."""

import json
from datetime import UTC, datetime

import yaml

from manifests import manifest
from secapi_core.conditions import ACCEPTED, GATE_PASSED, SUCCEEDED, set_condition
from secapi_core.crds.base import Condition
from secapi_core.crds.scanrequest import FindingCounts, JobCounts, Phase, ScanRequestStatus
from secapi_dev.controlplane.kubectl import Kubectl

LIMIT = 4_096
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def status(*, message: str, count: int) -> ScanRequestStatus:
    """A finished scan's status with three conditions that all carry ``message``."""
    conditions: list[Condition] = []
    for type_ in (ACCEPTED, SUCCEEDED, GATE_PASSED):
        conditions = set_condition(
            conditions, type_, "False", "RepositoryUnavailable", message, now=NOW, observed_generation=10
        )
    return ScanRequestStatus(
        observed_generation=10,
        phase=Phase.CANCELLED,
        scan_id="0f2b8f0e-4a53-4a7e-9f4b-0d6f3f0c7a11",
        start_time=NOW,
        completion_time=NOW,
        jobs=JobCounts(total=2_000, succeeded=1_000, failed=1_000),
        findings=FindingCounts(critical=count, high=count, medium=count, low=count, info=count, new=count),
        conditions=conditions,
    )


def test_the_largest_status_is_within_four_kilobytes() -> None:
    hostile = '\\"\x00\x1b\N{FIRE}' * 10_000
    worst = status(message=hostile, count=10**12)
    assert len(json.dumps(worst.to_wire(), ensure_ascii=False).encode()) <= LIMIT


async def test_a_usual_request_with_its_status_is_within_four_kilobytes(kubectl: Kubectl, namespace: str) -> None:
    await kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(manifest("ScanRequest")))
    usual = status(message="4 of 4 jobs ended and 1 failed: semgrep on shop: TimedOut after 600 s.", count=120)
    await kubectl(
        *("patch", "-n", namespace, "sr", "sample", "--subresource=status", "--type=merge"),
        f"--patch={json.dumps({'status': usual.to_wire()})}",
    )
    whole = await kubectl("get", "--raw", f"/apis/secapi.dev/v1alpha1/namespaces/{namespace}/scanrequests/sample")
    assert len(whole.encode()) <= LIMIT
