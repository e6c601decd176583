"""What may change after creation: nothing of a ScanRequest but ``cancel``, and that only from false to true."""

from typing import Any

import pytest
import yaml

from manifests import manifest
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.errors import StackError


async def apply(kubectl: Kubectl, namespace: str, kind: str = "ScanRequest", **changes: Any) -> None:
    await kubectl("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(manifest(kind, **changes)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("targets.0.url", "https://other.example/"),
        ("targets", [{"url": "https://shop.example/app?page=1"}]),
        ("scanners.0.name", "nuclei"),
        ("scanners.0.parameters.topPorts", 200),
        ("scanners.0.parameters.nested", {"list": [1]}),
        ("priority", "bulk"),
        ("priority", ...),
        ("timeoutSeconds", 601),
        ("maxAttempts", 3),
        ("gate", {"failOn": "low"}),
        ("gate", ...),
        ("ttlSecondsAfterFinished", 0),
        ("ttlSecondsAfterFinished", ...),
    ],
)
async def test_a_scan_request_is_immutable(field: str, value: Any, kubectl: Kubectl, namespace: str) -> None:
    await apply(kubectl, namespace)
    with pytest.raises(StackError) as refusal:
        await apply(kubectl, namespace, **{field: value})
    assert f"spec.{field.partition('.')[0]}: Invalid value" in str(refusal.value)
    assert "is immutable, create another object instead; only cancel may change" in str(refusal.value)


async def test_an_optional_setting_cannot_be_added_later(kubectl: Kubectl, namespace: str) -> None:
    await apply(kubectl, namespace, gate=...)
    with pytest.raises(StackError, match=r"spec\.gate: Invalid value.*is immutable"):
        await apply(kubectl, namespace)


async def test_a_scan_is_cancelled_once_and_for_all(kubectl: Kubectl, namespace: str) -> None:
    await apply(kubectl, namespace)
    await apply(kubectl, namespace, cancel=True)
    with pytest.raises(StackError, match=r"spec\.cancel: Invalid value.*a cancelled scan stays cancelled"):
        await apply(kubectl, namespace, cancel=False)


async def test_a_request_may_be_created_cancelled(kubectl: Kubectl, namespace: str) -> None:
    await apply(kubectl, namespace, cancel=True)


async def test_cancelling_may_not_bring_other_changes(kubectl: Kubectl, namespace: str) -> None:
    await apply(kubectl, namespace)
    with pytest.raises(StackError, match="is immutable"):
        await apply(kubectl, namespace, cancel=True, maxAttempts=5)


async def test_labels_and_annotations_may_change(kubectl: Kubectl, namespace: str) -> None:
    await apply(kubectl, namespace)
    await kubectl("label", "-n", namespace, "scanrequest", "sample", "team=shop")


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("ScanSchedule", "schedule", "0 3 * * *"),
        ("ScanSchedule", "scanTemplate.spec.targets", [{"url": "https://other.example/"}]),
        ("ScanPolicy", "maxActiveScans", 5),
        ("Scanner", "title", "Other"),
    ],
)
async def test_everything_else_may_change(kind: str, field: str, value: Any, kubectl: Kubectl, namespace: str) -> None:
    name = f"changing-{kind.lower()}"
    await apply(kubectl, namespace, kind, name=name)
    await apply(kubectl, namespace, kind, name=name, **{field: value})


@pytest.mark.parametrize(
    ("kind", "limit", "words"),
    [
        ("ScanRequest", 63, "metadata.name must be at most 63 characters"),
        ("ScanSchedule", 52, "metadata.name must be at most 52 characters"),
        ("Scanner", 63, "metadata.name must be at most 63 letters"),
    ],
)
async def test_a_name_that_others_derive_from_is_bounded(
    kind: str, limit: int, words: str, kubectl: Kubectl, namespace: str
) -> None:
    await apply(kubectl, namespace, kind, name="n" * limit)
    with pytest.raises(StackError, match=words):
        await apply(kubectl, namespace, kind, name="n" * (limit + 1))


async def test_a_status_with_an_unknown_phase_is_refused(kubectl: Kubectl, namespace: str) -> None:
    await apply(kubectl, namespace)
    with pytest.raises(StackError, match="Unsupported value"):
        await kubectl(
            *("patch", "-n", namespace, "sr", "sample", "--subresource=status", "--type=merge"),
            '--patch={"status": {"phase": "Done"}}',
        )
