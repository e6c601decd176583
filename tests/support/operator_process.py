"""``secapi-operator`` as a process of its own, with short intervals, as tests start, ask, kill and stop it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from waiting import until

PROGRAM = Path(sys.executable).parent / "secapi-operator"


class OperatorProcess:
    """One process; its log is JSON lines in ``log``."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Start it."""
        self.log = log
        self._output = log.open("ab")
        self.process = subprocess.Popen(
            [PROGRAM], env={**os.environ, **environment}, stdout=self._output, stderr=subprocess.STDOUT
        )

    async def ready(self, *, within: float = 60.0) -> "OperatorProcess":
        """Wait until ``/readyz`` says yes."""
        await until(self.is_ready, within=within, every=0.05)
        return self

    async def leading(self, *, within: float = 60.0) -> "OperatorProcess":
        """Wait until this process holds the Lease."""
        await until(self._leads, within=within, every=0.05)
        return self

    async def is_ready(self) -> bool:
        """What ``/readyz`` says at this moment."""
        self._assert_runs()
        answer = await self._get("/readyz")
        return answer is not None and answer.status_code == 200

    async def problem(self) -> str:
        """What ``/readyz`` says is wrong at this moment; empty when nothing is, or nobody answers yet."""
        self._assert_runs()
        answer = await self._get("/readyz")
        return str(answer.json().get("problem", "")) if answer is not None else ""

    async def is_healthy(self) -> bool:
        """What ``/healthz`` says at this moment."""
        answer = await self._get("/healthz")
        return answer is not None and answer.status_code == 200

    async def metric(self, pattern: str) -> float:
        """The sum of all samples whose line begins with a match of ``pattern``."""
        answer = await self._get("/metrics")
        assert answer is not None
        lines = [line for line in answer.text.splitlines() if re.match(pattern, line)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def said(self, event: str) -> list[dict[str, Any]]:
        """Log lines of this event."""
        lines = self.log.read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in entries if entry["event"] == event]

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)

    def signal(self, number: signal.Signals) -> None:
        """Send any signal."""
        self.process.send_signal(number)

    async def stop(self, *, within: float = 10.0) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, within)

    def close(self) -> None:
        """Make sure it is gone."""
        if self.process.poll() is None:
            self.kill()
        self._output.close()

    def _leads(self) -> bool:
        self._assert_runs()
        return bool(self.said("leading"))

    def _assert_runs(self) -> None:
        assert self.process.poll() is None, self.log.read_text()[-4000:]

    async def _get(self, path: str) -> httpx.Response | None:
        serving = self.said("serving probes")
        if not serving:
            return None
        async with httpx.AsyncClient(timeout=5) as client:
            return await client.get(f"http://127.0.0.1:{serving[-1]['port']}{path}")
