"""A whole SecAPI as its users run it: `secapi-dev up` in a process of its own, reached only through `stack.json`.

Fault tests break its parts by signal; the stack restarts what dies, as a Deployment would.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psutil
import redis.asyncio as redis

from secapi_dev.controlplane.kubectl import Kubectl

BIN = Path(sys.executable).parent
NAMESPACE = "default"
TERMINAL = {"Succeeded", "Failed", "Cancelled"}


async def eventually(probe: Callable[[], Awaitable[Any]], *, within: float, what: str, every: float = 0.05) -> Any:
    """The probe's first truthy answer; fails the test with the last answer when the deadline passes."""
    deadline = time.monotonic() + within
    while True:
        answer = await probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}; last answer: {answer!r}")
        await asyncio.sleep(every)


@dataclass(frozen=True)
class RunningStack:
    """What `stack.json` tells, and the few things a test does with it."""

    directory: Path
    kubectl_program: Path
    process: subprocess.Popen[bytes]

    @property
    def facts(self) -> dict[str, Any]:
        """`stack.json` as it is now: pids change when a component is restarted."""
        facts: dict[str, Any] = json.loads((self.directory / "stack.json").read_text())
        return facts

    def pid(self, component: str) -> int:
        """The present pid of a component; of the first worker for ``worker``."""
        pid = self.facts["pids"][component]
        return int(pid[0] if isinstance(pid, list) else pid)

    @asynccontextmanager
    async def api(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that carries the stack's API key."""
        facts = self.facts
        headers = {"Authorization": f"Bearer {facts['apiKey']}"}
        async with httpx.AsyncClient(base_url=facts["apiUrl"], headers=headers, timeout=30) as client:
            yield client

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A plain connection to the ledger."""
        connection = await asyncpg.connect(self.facts["databaseUrl"])
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def redis(self) -> AsyncIterator["redis.Redis"]:
        """A client of the broker."""
        async with redis.Redis.from_url(self.facts["redisUrl"]) as client:
            yield client

    async def apply(self, manifest: Mapping[str, Any]) -> None:
        """`kubectl apply` as the stack's administrator."""
        await self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    @property
    def kubectl(self) -> Kubectl:
        """kubectl as the stack's administrator."""
        return Kubectl(self.kubectl_program, Path(self.facts["kubeconfig"]))

    async def submit(self, *, findings: int = 5, seconds: float = 0.0, targets: int = 1, **spec: Any) -> UUID:
        """Post a scan of the no-op scanner over ``targets`` loopback URLs, each yielding ``findings`` findings."""
        body = {"namespace": NAMESPACE, "spec": noop_spec(findings=findings, seconds=seconds, targets=targets, **spec)}
        async with self.api() as api:
            answer = await api.post("/v1/scans", json=body)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["id"])

    async def phase(self, scan: UUID) -> str:
        """The scan's phase as REST shows it."""
        async with self.api() as api:
            answer = await api.get(f"/v1/scans/{scan}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["phase"])

    async def settled(self, scans: list[UUID], *, within: float) -> dict[UUID, str]:
        """Wait until every scan is terminal in the ledger; their states."""

        async def states() -> dict[UUID, str] | None:
            # A new connection each time: fault tests take the server away meanwhile.
            async with self.database() as db:
                return await states_once_ended(db, scans)

        answer: dict[UUID, str] = await eventually(
            states, within=within, what=f"{len(scans)} scans terminal", every=0.2
        )
        return answer

    async def scanning(self) -> list[psutil.Process]:
        """Running no-op scanners, as the oracle asks for them."""
        return self.scanner_processes()

    def scanner_processes(self) -> list[psutil.Process]:
        """Running no-op scanners below this stack's workers or orphaned by them."""
        marker = str(self.directory)
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            line = " ".join(process.info["cmdline"] or [])
            if "secapi-noop" in line and marker in line + str(process.info["environ"]):
                found.append(process)
        return found


async def states_once_ended(db: asyncpg.Connection, scans: Sequence[UUID]) -> dict[UUID, str] | None:
    """The states of scans in the ledger; None while one of them is not terminal."""
    rows = await db.fetch("SELECT id, state FROM scans WHERE id = ANY($1)", scans)
    found = {row["id"]: row["state"] for row in rows}
    done = len(found) == len(scans) and set(found.values()) <= {"succeeded", "failed", "cancelled"}
    return found if done else None


def noop_spec(*, findings: int, seconds: float, targets: int, **spec: Any) -> dict[str, Any]:
    """A ScanRequest's spec for the test scanner; distinct targets give distinct jobs."""
    return {
        "targets": [{"url": f"http://127.0.0.1/{number}"} for number in range(targets)],
        "scanners": [{"name": "noop", "parameters": {"findings": findings, "seconds": seconds}}],
        **spec,
    }


LOOPBACK_POLICY = {
    "apiVersion": "secapi.dev/v1alpha1",
    "kind": "ScanPolicy",
    "metadata": {"name": "loopback", "namespace": NAMESPACE},
    "spec": {"allowedTargets": {"cidrs": ["127.0.0.0/8"]}},
}


@contextmanager
def running_stack(directory: Path, *, kubectl: Path, workers: int = 2, **environment: str) -> Iterator[RunningStack]:
    """Start `secapi-dev up` and stop it again; ``environment`` holds SECAPI_ settings, e.g. short leases."""
    log = (directory / "secapi-dev.log").open("wb")
    process = subprocess.Popen(
        [BIN / "secapi-dev", "up", "--state-dir", directory, "--workers", str(workers)],
        env={**os.environ, **environment},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 90
        while not (directory / "stack.json").exists():
            waiting = process.poll() is None and time.monotonic() < deadline
            assert waiting, (directory / "secapi-dev.log").read_text()[-4000:]
            time.sleep(0.1)  # polling with a deadline; nothing else runs in this process yet
        yield RunningStack(directory, kubectl, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait(10)
            log.close()
