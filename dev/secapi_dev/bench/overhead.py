"""What SecAPI adds to a scan's own time, one scan at a time.

It is the wall time from sending ``POST /v1/scans`` to having read the findings over REST, less the seconds that the
worker spent running the scanner.
"""

import asyncio
import time

import orjson

from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.ledger import Ledger
from secapi_dev.bench.load import Connection, percentile_ms
from secapi_dev.bench.noop_scans import DEADLINE, FINDINGS, submit
from secapi_dev.errors import StackError

SCANS = 60
POLL_SECONDS = 0.002

_SCANNER_SECONDS = """
    SELECT (attempt.stats->>'scanning_seconds')::float8
    FROM attempts AS attempt JOIN scan_jobs AS job ON job.id = attempt.job_id
    WHERE job.scan_id = $1
"""


async def measure(lab: Laboratory) -> Figures:
    """Milliseconds added per scan, and what the scanner itself took."""
    async with lab.clients() as [api], lab.ledger() as ledger:
        await _scan(api, ledger)  # warms connections and imports
        samples = [await _scan(api, ledger) for _ in range(SCANS)]
    added = [total - scanner for total, scanner in samples]
    return {
        "overhead_p50_ms": percentile_ms(added, 50),
        "overhead_p95_ms": percentile_ms(added, 95),
        "scanner_p50_ms": percentile_ms([scanner for _, scanner in samples], 50),
    }


async def _scan(api: Connection, ledger: Ledger) -> tuple[float, float]:
    """Seconds in all, and of them the scanner's own."""
    began = time.perf_counter()
    scan = await submit(api)
    async with asyncio.timeout(DEADLINE):
        while orjson.loads(await api.get(f"/v1/scans/{scan.id}"))["phase"] != "Succeeded":
            await asyncio.sleep(POLL_SECONDS)
    findings = orjson.loads(await api.get(f"/v1/scans/{scan.id}/findings"))["items"]
    total = time.perf_counter() - began
    if len(findings) != FINDINGS:
        raise StackError(f"a scan that finds {FINDINGS} findings shows {len(findings)}")
    return total, await ledger.fetchval(_SCANNER_SECONDS, scan.id)
