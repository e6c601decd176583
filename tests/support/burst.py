"""Scans by the hundred on a cluster: a scanner that is two small programs, and a watch that counts writes."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

from release import SCANNER, Release
from rendering import Object
from waiting import until

FINDINGS = 5
REPORT_PATH = "/etc/secapi-e2e/report.sarif"
CLIENTS = 8


def report() -> str:
    """A SARIF log with ``FINDINGS`` results."""
    results = [
        {
            "ruleId": f"made-up-{number}",
            "level": "warning",
            "message": {"text": f"Made-up finding {number}"},
            "partialFingerprints": {"e2e/v1": str(number)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/app.py"}}}],
        }
        for number in range(FINDINGS)
    ]
    run = {"tool": {"driver": {"name": "secapi-e2e"}}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]})


def scanner(pool: str) -> Object:
    """The scanner ``e2e-POOL``: waits as long as it is told, and prints the report that the pool's pods mount."""
    return {
        "apiVersion": "secapi.dev/v1alpha1",
        "kind": "Scanner",
        "metadata": {"name": f"e2e-{pool}"},
        "spec": {
            "title": "Made-up findings",
            "description": "Looks at nothing. For tests on a cluster.",
            "family": "e2e",
            "targetTypes": ["url"],
            "pool": pool,
            "parametersSchema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "seconds": {"type": "integer", "minimum": 0, "maximum": 600, "default": 0, "description": "Wait."}
                },
            },
            "command": "sh",
            "arguments": [
                {"values": ["-c", 'test "$1" = 0 || sleep "$1"; exec cat "$2"', SCANNER]},
                {"values": ["{parameters.seconds}", REPORT_PATH]},
            ],
            "output": {"format": "sarif", "source": "stdout"},
        },
    }


def spec(pool: str, *, seconds: int = 0, targets: int = 1, **more: Any) -> Object:
    """A ScanRequest's spec; distinct targets give distinct jobs."""
    return {
        "targets": [{"url": f"http://127.0.0.1/{number}"} for number in range(targets)],
        "scanners": [{"name": f"e2e-{pool}", "parameters": {"seconds": seconds}}],
        **more,
    }


async def submit(api: httpx.AsyncClient, namespace: str, specs: Sequence[Object]) -> list[UUID]:
    """Post one scan for each spec, ``CLIENTS`` at a time; their ids."""
    turns = asyncio.Semaphore(CLIENTS)

    async def post(body: Object) -> UUID:
        async with turns:
            answer = await api.post("/v1/scans", json={"namespace": namespace, "spec": body})
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["id"])

    return await asyncio.gather(*(post(body) for body in specs))


async def until_done(release: Release, scans: Collection[UUID], *, share: float = 1.0) -> None:
    """Wait until this share of the scans has ended."""
    async with release.database() as db:

        async def enough() -> bool:
            ended = await db.fetchval(
                "SELECT count(*) FROM scans WHERE id = ANY($1) AND completed_at IS NOT NULL", list(scans)
            )
            return bool(ended >= share * len(scans))

        await until(enough, within=300, every=0.3)


class Writes(Counter[str]):
    """How often each ScanRequest was written, by name, deletion included."""

    def __init__(self) -> None:
        """Nothing has been written yet."""
        super().__init__()
        self.deleted: set[str] = set()

    def heard(self, event: Object) -> None:
        """Count what a watch tells; it tells of every write that changes the object."""
        name = event["object"]["metadata"]["name"]
        self[name] += 1
        if event["type"] == "DELETED":
            self.deleted.add(name)


@asynccontextmanager
async def counted_writes(release: Release) -> AsyncIterator[Writes]:
    """Count from now on."""
    writes = Writes()
    path = f"/apis/secapi.dev/v1alpha1/namespaces/{release.namespace}/scanrequests"
    version = json.loads(await release.kubectl("get", "--raw", f"{path}?limit=1"))["metadata"]["resourceVersion"]
    watching = asyncio.create_task(_watch(release, path, version, writes))
    try:
        yield writes
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(release: Release, path: str, version: str, writes: Writes) -> None:
    """Hear of every write after ``version``; the apiserver may end a watch, and the next one goes on from there."""
    while True:
        process = await asyncio.create_subprocess_exec(
            *(release.kubectl.program, "get", "--raw", f"{path}?watch=true&resourceVersion={version}"),
            env=release.kubectl.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=1024 * 1024,
        )
        assert process.stdout
        try:
            async for line in process.stdout:
                event = json.loads(line)
                assert event["type"] in {"ADDED", "MODIFIED", "DELETED"}, event
                writes.heard(event)
                version = event["object"]["metadata"]["resourceVersion"]
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
