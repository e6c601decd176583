"""What SecAPI adds to a scan's own time, and how many scans a second it sustains; the no-op scanner does nothing.

Overhead is the wall time from sending ``POST /v1/scans`` to having read the findings over REST, less the seconds that
the worker spent running the scanner. Throughput counts scans from the first POST to the last terminal state, with
everything (API, operator, workers, Postgres, Valkey, etcd, kube-apiserver and this client) on this machine's cores.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from secapi_dev.stackfile import Stack

UNLOADED_SCANS = 60
SUSTAINED_SCANS = 600
SUBMITTERS = 16
FINDINGS = 5
DEADLINE = 300.0


async def overhead(stack: Stack) -> dict[str, float]:
    """Milliseconds added per scan, one scan at a time: p50 and p95, and what the scanner itself took (p50)."""
    async with _client(stack) as api, _ledger(stack) as ledger:
        await _one(api, ledger)  # warms connections and imports
        samples = [await _one(api, ledger) for _ in range(UNLOADED_SCANS)]
    added = quantiles([total - scanner for total, scanner in samples], n=20)
    scanner = quantiles([scanner for _, scanner in samples], n=20)
    return {
        "overhead_ms_p50": round(added[9] * 1000, 1),
        "overhead_ms_p95": round(added[18] * 1000, 1),
        "scanner_ms_p50": round(scanner[9] * 1000, 1),
    }


async def throughput(stack: Stack) -> dict[str, float]:
    """Scans a second, end to end, with a backlog always waiting."""
    async with _client(stack) as api, _ledger(stack) as ledger:
        remaining = iter(range(SUSTAINED_SCANS))
        ids: list[UUID] = []

        async def submitter() -> None:
            ids.extend([await _submit(api) for _ in remaining])

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(SUBMITTERS):
                group.create_task(submitter())
        accepted = time.monotonic() - began
        async with asyncio.timeout(DEADLINE):
            while await ledger.fetchval(
                "SELECT count(*) FROM scans WHERE id = ANY($1) AND state = 'succeeded'", ids
            ) < len(ids):
                await asyncio.sleep(0.1)
        return {
            "scans": len(ids),
            "accepted_per_second": round(len(ids) / accepted, 1),
            "scans_per_second": round(len(ids) / (time.monotonic() - began), 1),
        }


async def _one(api: httpx.AsyncClient, ledger: "asyncpg.Connection[Any]") -> tuple[float, float]:
    """Seconds in all, and of them the scanner's own."""
    began = time.monotonic()
    scan = await _submit(api)
    async with asyncio.timeout(DEADLINE):
        while (await api.get(f"/v1/scans/{scan}")).raise_for_status().json()["phase"] != "Succeeded":
            await asyncio.sleep(0.002)
    findings = (await api.get(f"/v1/scans/{scan}/findings")).raise_for_status().json()["items"]
    total = time.monotonic() - began
    if len(findings) != FINDINGS:
        raise AssertionError(f"expected {FINDINGS} findings, read {len(findings)}")
    scanner = await ledger.fetchval(
        "SELECT (a.stats->>'scanning_seconds')::float FROM attempts a JOIN scan_jobs j ON j.id = a.job_id "
        "WHERE j.scan_id = $1",
        scan,
    )
    return total, scanner


async def _submit(api: httpx.AsyncClient) -> UUID:
    body = {
        "namespace": "default",
        "spec": {
            "targets": [{"url": "http://127.0.0.1/"}],
            "scanners": [{"name": "noop", "parameters": {"findings": FINDINGS}}],
        },
    }
    return UUID((await api.post("/v1/scans", json=body)).raise_for_status().json()["id"])


@asynccontextmanager
async def _client(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    async with httpx.AsyncClient(base_url=stack.api_url, headers=headers, timeout=60) as client:
        yield client


@asynccontextmanager
async def _ledger(stack: Stack) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(stack.database_url)
    try:
        yield connection
    finally:
        await connection.close()
