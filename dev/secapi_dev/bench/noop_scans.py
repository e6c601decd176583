"""Scans that do nothing but print a report that is there already: sent over REST, waited for in the ledger."""

import asyncio
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from secapi_dev.bench.ledger import Ledger
from secapi_dev.bench.load import Connection
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.errors import StackError
from secapi_workers.noop import write_sarif

NAMESPACE = "default"
FINDINGS = 5
DEADLINE = 300.0

# Allows loopback, which the scans name but never touch.
_POLICY = {
    "apiVersion": "secapi.dev/v1alpha1",
    "kind": "ScanPolicy",
    "metadata": {"name": "bench", "namespace": NAMESPACE},
    "spec": {"allowedTargets": {"cidrs": ["127.0.0.0/8"]}},
}

IDLE_POOL = "bench-idle"
"""A pool without a worker: what is sent there stays queued. Its scanner has the same name."""


def _body(scanner: str) -> bytes:
    spec = {
        "targets": [{"url": "http://127.0.0.1/"}],
        "scanners": [{"name": scanner}],
        # The last of the four writes of a scan's life is the deletion of its object.
        "ttlSecondsAfterFinished": 30,
    }
    return orjson.dumps({"namespace": NAMESPACE, "spec": spec})


BODY = _body("bench")
IDLE_BODY = _body(IDLE_POOL)

_ENDED = "SELECT count(*) FROM scans WHERE id = ANY($1) AND completed_at IS NOT NULL"
_FAILED = "SELECT count(*) FROM scans WHERE id = ANY($1) AND state <> 'succeeded'"


async def install(kubectl: Kubectl, directory: Path) -> None:
    """Apply the scanners and what lets them be used; their report lies in ``directory``.

    The scanner is the smallest program there is: an interpreter's start would be half of what is measured.
    """
    report = directory / "report.sarif"
    with report.open("w", encoding="utf-8") as text:
        write_sarif(text, "bench", FINDINGS)
    for document in (_POLICY, _scanner("bench", "code", report), _scanner(IDLE_POOL, IDLE_POOL, report)):
        await kubectl("apply", "-f", "-", stdin=json.dumps(document))


def _scanner(name: str, pool: str, report: Path) -> dict[str, Any]:
    return {
        "apiVersion": "secapi.dev/v1alpha1",
        "kind": "Scanner",
        "metadata": {"name": name},
        "spec": {
            "title": "Benchmark",
            "family": "bench",
            "targetTypes": ["url"],
            "pool": pool,
            "command": "cat",
            "arguments": [{"values": [str(report)]}],
            "output": {"format": "sarif", "source": "stdout"},
        },
    }


class Scan(NamedTuple):
    """A submitted scan; ``name`` is its ScanRequest's."""

    id: UUID
    name: str


async def submit(api: Connection, body: bytes = BODY, *, headers: str = "") -> Scan:
    """Send one scan, with ``headers`` as :meth:`Connection.post` takes them."""
    answer = orjson.loads(await api.post("/v1/scans", body, headers=headers))
    return Scan(UUID(answer["id"]), answer["name"])


async def finished(ledger: Ledger, scans: Collection[Scan]) -> None:
    """Wait until all have ended; ``StackError`` when one did not succeed or they take too long."""
    ids = [scan.id for scan in scans]
    try:
        async with asyncio.timeout(DEADLINE):
            while await ledger.fetchval(_ENDED, ids) < len(ids):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise StackError(f"{len(ids)} no-op scans did not end within {DEADLINE:g} s") from None
    if failed := await ledger.fetchval(_FAILED, ids):
        raise StackError(f"{failed} of {len(ids)} no-op scans did not succeed")
