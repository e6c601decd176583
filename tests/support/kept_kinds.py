"""The kinds that REST keeps in Kubernetes: what to send for each, and where it is then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from secapi_core.crds.base import Model
from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanpolicy import ScanPolicySpec
from secapi_core.crds.scanschedule import ScanScheduleSpec

TEMPLATE = {"spec": {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "web"}]}}


@dataclass(frozen=True)
class Kind:
    """One kind; ``spec`` and ``other`` are two that are accepted."""

    noun: str
    plural: str
    path: str
    model: type[Model]
    spec: Mapping[str, Any]
    other: Mapping[str, Any]
    namespaced: bool = True

    def body(self, namespace: str, name: str) -> dict[str, Any]:
        """For POST."""
        place = {"namespace": namespace} if self.namespaced else {}
        return {"name": name, "spec": dict(self.spec), **place}

    def url(self, namespace: str, name: str) -> str:
        """Of one item."""
        return f"{self.path}/{namespace}/{name}" if self.namespaced else f"{self.path}/{name}"

    def place(self, namespace: str) -> list[str]:
        """Options with which kubectl finds it."""
        return ["-n", namespace] if self.namespaced else []


SCHEDULES = Kind(
    "schedule",
    "scanschedules",
    "/v1/schedules",
    ScanScheduleSpec,
    spec={"schedule": "30 2 * * *", "jitterSeconds": 60, "scanTemplate": TEMPLATE},
    other={"schedule": "0 4 * * sun", "timeZone": "Europe/Berlin", "scanTemplate": TEMPLATE},
)
POLICIES = Kind(
    "policy",
    "scanpolicies",
    "/v1/policies",
    ScanPolicySpec,
    spec={"maxActiveScans": 7, "allowedTargets": {"domainSuffixes": ["shop.example"]}},
    other={"maxJobsPerScan": 9},
)
SCANNERS = Kind(
    "scanner",
    "scanners",
    "/v1/scanners",
    ScannerSpec,
    spec={
        "title": "One",
        "family": "ones",
        "targetTypes": ["url"],
        "pool": "network",
        "command": "true",
        "output": {"format": "sarif", "source": "stdout"},
    },
    other={
        "title": "Other",
        "targetTypes": ["host"],
        "pool": "network",
        "command": "true",
        "output": {"format": "sarif", "source": "stdout"},
    },
    namespaced=False,
)
KINDS = (SCHEDULES, POLICIES, SCANNERS)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)
each_namespaced_kind = pytest.mark.parametrize("kind", [SCHEDULES, POLICIES], ids=lambda kind: kind.noun)
