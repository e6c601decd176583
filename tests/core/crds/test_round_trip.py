"""What the apiserver stores is what the types read and write: nothing is lost, and both fill in the same defaults."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests import DIGEST, KINDS, manifest
from secapi_core.crds.scanrequest import ScanRequest
from secapi_core.crds.scanschedule import ScanSchedule
from secapi_dev import paths
from secapi_dev.controlplane.kubectl import Kubectl

MINIMAL: dict[str, dict[str, Any]] = {
    "ScanRequest": {"targets": [{"artifact": {"digest": DIGEST}}], "scanners": [{"name": "bandit"}]},
    "ScanSchedule": {
        "schedule": "0 0 1 jan *",
        "scanTemplate": {"spec": {"targets": [{"host": {"address": "::1"}}], "scanners": [{"name": "nmap"}]}},
    },
    "ScanPolicy": {},
    "Scanner": {
        "title": "Tool",
        "targetTypes": ["artifact"],
        "pool": "code",
        "command": "tool",
        "output": {"format": "sarif", "source": "stdout"},
    },
}

GOOD_TARGETS: list[dict[str, Any]] = [
    {"url": "http://192.0.2.7:8080/"},
    {"url": "https://[2001:db8::7]:8443/a?b=c&d=%20#e"},
    {"url": "https://bücher.example"},
    {"host": {"address": "shop_1.example."}},
    {"host": {"address": "192.0.2.7", "ports": "1-65535"}},
    {"host": {"address": "2001:db8::7"}},
    {"host": {"address": "0x7f.example"}},
    {"repository": {"url": "ssh://git@git.example:2222/~me/shop.git"}},
    {"repository": {"url": "git://192.0.2.7/shop", "ref": "feature/x#1", "path": ".github/"}},
    {"repository": {"url": "https://git.example/a", "ref": "5e" * 20}},
    {"repository": {"url": "https://git.example/a", "ref": "src"}},
    {"repository": {"url": "https://git.example/a", "path": "src"}},
    {"image": {"reference": "nginx"}},
    {"image": {"reference": f"localhost:5000/a__b/c-d@{DIGEST}"}},
]


async def stored(kubectl: Kubectl, namespace: str, document: dict[str, Any]) -> dict[str, Any]:
    """The object as the apiserver gives it back."""
    await kubectl("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(document))
    answer: dict[str, Any] = json.loads(
        await kubectl("get", "-n", namespace, document["kind"], document["metadata"]["name"], "-o", "json")
    )
    return answer


@pytest.mark.parametrize("kind", KINDS)
async def test_a_full_object_comes_back_unchanged(kind: str, kubectl: Kubectl, namespace: str) -> None:
    given = manifest(kind, name=f"full-{kind.lower()}")
    kept = await stored(kubectl, namespace, given)
    parsed: Any = KINDS[kind].model_validate(kept)
    assert parsed.spec.to_wire() == kept["spec"]
    assert type(parsed.spec).from_wire(given["spec"]) == parsed.spec


@pytest.mark.parametrize("kind", KINDS)
async def test_apiserver_and_types_fill_in_the_same_defaults(kind: str, kubectl: Kubectl, namespace: str) -> None:
    document = manifest(kind, name=f"minimal-{kind.lower()}") | {"spec": MINIMAL[kind]}
    kept = await stored(kubectl, namespace, document)
    parsed: Any = KINDS[kind].model_validate(document)
    assert parsed.spec.to_wire() == kept["spec"]


async def test_every_way_to_write_a_target_comes_back_unchanged(kubectl: Kubectl, namespace: str) -> None:
    kept = await stored(kubectl, namespace, manifest("ScanRequest", targets=GOOD_TARGETS))
    assert kept["spec"]["targets"] == GOOD_TARGETS
    assert ScanRequest.model_validate(kept).spec.to_wire()["targets"] == GOOD_TARGETS


async def test_a_full_status_comes_back_unchanged(kubectl: Kubectl, namespace: str) -> None:
    now = "2026-11-23T10:00:00Z"
    status = {
        "observedGeneration": 1,
        "phase": "Succeeded",
        "scanId": "0f2b8f0e-4a53-4a7e-9f4b-0d6f3f0c7a11",
        "startTime": now,
        "completionTime": now,
        "jobs": {"total": 4, "succeeded": 3, "failed": 1},
        "findings": {"critical": 0, "high": 3, "medium": 5, "low": 1, "info": 9, "new": 4},
        "conditions": [
            {
                "type": "Succeeded",
                "status": "True",
                "observedGeneration": 1,
                "lastTransitionTime": now,
                "reason": "AllJobsSucceeded",
                "message": "",
            }
        ],
    }
    await stored(kubectl, namespace, manifest("ScanRequest"))
    await kubectl(
        *("patch", "-n", namespace, "scanrequest", "sample", "--subresource=status", "--type=merge"),
        f"--patch={json.dumps({'status': status})}",
    )
    kept = json.loads(await kubectl("get", "-n", namespace, "scanrequest", "sample", "-o", "json"))
    assert kept["status"] == status
    assert ScanRequest.model_validate(kept).status.to_wire() == status


async def test_a_schedule_status_comes_back_unchanged(kubectl: Kubectl, namespace: str) -> None:
    status = {
        "active": [{"name": "sample-29395560", "uid": "0f2b8f0e-4a53-4a7e-9f4b-0d6f3f0c7a11"}],
        "lastScheduleTime": "2026-11-23T01:30:00Z",
        "conditions": [],
    }
    await stored(kubectl, namespace, manifest("ScanSchedule"))
    await kubectl(
        *("patch", "-n", namespace, "scanschedule", "sample", "--subresource=status", "--type=merge"),
        f"--patch={json.dumps({'status': status})}",
    )
    kept = json.loads(await kubectl("get", "-n", namespace, "scanschedule", "sample", "-o", "json"))
    assert ScanSchedule.model_validate(kept).status.to_wire() == kept["status"] == status


async def test_applying_the_status_with_the_object_changes_nothing(kubectl: Kubectl, namespace: str) -> None:
    kept = await stored(kubectl, namespace, manifest("ScanRequest") | {"status": {"phase": "Succeeded"}})
    assert kept["status"] == {"phase": "Pending", "conditions": []}


SAMPLES = sorted((paths.CHECKOUT / "manifests" / "samples").glob("*.yaml"))


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.stem for sample in SAMPLES])
def test_the_types_read_the_samples(sample: Path) -> None:
    for document in yaml.safe_load_all(sample.read_text()):
        KINDS[document["kind"]].model_validate(document)


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.stem for sample in SAMPLES])
async def test_the_apiserver_accepts_the_samples(sample: Path, kubectl: Kubectl, namespace: str) -> None:
    await kubectl("create", "--dry-run=server", "-n", namespace, "-f", sample)
