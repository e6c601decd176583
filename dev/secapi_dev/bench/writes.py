"""Kubernetes writes in a scan's life, counted where they arrive: in the apiserver's audit log.

A ScanRequest is created, its status is written once or twice, and it is deleted when its time to live is over. Refused
and repeated requests count too, as they cost the apiserver as much.
"""

import asyncio
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import orjson

from secapi_core.crds.scanrequest import ScanRequest
from secapi_dev.bench.laboratory import Figures
from secapi_dev.bench.noop_scans import NAMESPACE
from secapi_dev.errors import StackError

DEADLINE = 120.0


async def measure(audit_log: Path, names: Collection[str]) -> Figures:
    """Mean and most writes of the finished ScanRequests ``names``, once all have been deleted."""
    try:
        async with asyncio.timeout(DEADLINE):
            while len((deleted := count(audit_log, "delete")).keys() & set(names)) < len(names):
                await asyncio.sleep(1.0)
    except TimeoutError:
        raise StackError(f"only {len(deleted)} of {len(names)} ScanRequests were deleted in {DEADLINE:g} s") from None
    writes = count(audit_log)
    return {
        "writes_per_scan_mean": round(sum(writes[name] for name in names) / len(names), 2),
        "writes_per_scan_max": max(writes[name] for name in names),
    }


def count(audit_log: Path, verb: str | None = None) -> Counter[str]:
    """By name of ScanRequest how many writes the log has, or how many of one verb."""
    with audit_log.open("rb") as lines:
        events = [orjson.loads(line) for line in lines if line.endswith(b"\n")]
    return Counter(
        target["name"]
        for event in events
        if (target := event.get("objectRef", {})).get("resource") == ScanRequest.PLURAL
        and target.get("namespace") == NAMESPACE
        and verb in (None, event["verb"])
    )
