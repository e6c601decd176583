"""Manifests of every kind that are valid, full of fields, and easily made invalid in one place."""

import copy
from collections.abc import Mapping
from typing import Any

from secapi_core.crds.base import API_VERSION, Resource
from secapi_core.crds.scanner import Scanner
from secapi_core.crds.scanpolicy import ScanPolicy
from secapi_core.crds.scanrequest import ScanRequest
from secapi_core.crds.scanschedule import ScanSchedule

DIGEST = f"sha256:{'5e' * 32}"

KINDS: Mapping[str, type[Resource]] = {kind.KIND: kind for kind in (ScanRequest, ScanSchedule, ScanPolicy, Scanner)}

SPECS: dict[str, dict[str, Any]] = {
    "ScanRequest": {
        "targets": [
            {"url": "https://shop.example/app?page=1"},
            {"host": {"address": "shop.example", "ports": "22,80,8000-8100"}},
            {"repository": {"url": "https://git.example/shop.git", "ref": "main", "path": "src/app"}},
            {"artifact": {"digest": DIGEST, "name": "shop/backend"}},
            {"image": {"reference": "registry.example:5000/shop/web:1.2"}},
        ],
        "scanners": [
            {"name": "nmap", "parameters": {"topPorts": 100, "nested": {"list": [1, None, "x"]}}},
            {"name": "semgrep"},
        ],
        "priority": "interactive",
        "timeoutSeconds": 600,
        "maxAttempts": 2,
        "gate": {"failOn": "high", "onlyNew": True},
        "ttlSecondsAfterFinished": 86_400,
    },
    "ScanSchedule": {
        "schedule": "30 2 * * mon-fri",
        "timeZone": "Europe/Berlin",
        "jitterSeconds": 600,
        "startingDeadlineSeconds": 3_600,
        "concurrencyPolicy": "Replace",
        "scanTemplate": {
            "metadata": {"labels": {"team": "shop"}},
            "spec": {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "nuclei"}]},
        },
    },
    "ScanPolicy": {
        "allowedTargets": {
            "cidrs": ["192.0.2.0/24", "fd00::/8"],
            "domainSuffixes": ["shop.example"],
            "urlPrefixes": ["https://shop.example/app"],
            "repositoryPrefixes": ["https://git.example/team", "ssh://git@git.example"],
        },
        "scanners": ["nmap", "semgrep"],
        "maxActiveScans": 10,
        "maxJobsPerScan": 50,
        "maxPriority": "normal",
        "retentionDays": 90,
    },
    "Scanner": {
        "title": "Nmap",
        "description": "Open ports.",
        "family": "nmap",
        "targetTypes": ["host", "url"],
        "pool": "network",
        "parametersSchema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "topPorts": {"type": "integer", "minimum": 1, "default": 100},
                "scripts": {"type": "array", "items": {"type": "string"}},
            },
        },
        "command": "nmap",
        "arguments": [
            {"values": ["-oX", "{output}", "--top-ports", "{parameters.topPorts}"]},
            {"values": ["--script", "{item}"], "forEach": "parameters.scripts"},
            {"values": ["-6"], "when": "target.ipv6"},
            {"values": ["--", "{target.host}"]},
        ],
        "environment": {"NMAPDIR": "/opt/nmap"},
        "output": {"format": "nmap-xml"},
        "exitCodes": {"success": [0, 1], "failures": {"7": "TargetUnreachable"}},
        "failurePatterns": [{"stream": "stderr", "contains": "Failed to resolve", "reason": "TargetUnresolvable"}],
        "limits": {"memoryMib": 512},
    },
}


def manifest(kind: str, *, name: str = "sample", **changes: Any) -> dict[str, Any]:
    """A valid object of ``kind``; each change sets the field below ``spec`` that its dotted name gives.

    List positions are numbers: ``manifest("ScanRequest", **{"targets.0.url": "ftp://h/"})``. ``...`` removes a field.
    """
    document = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": copy.deepcopy(SPECS[kind]),
    }
    for path, value in changes.items():
        *above, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        place: Any = document["spec"]
        for part in above:
            place = place[part] if isinstance(part, int) else place.setdefault(part, {})
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return document
