"""How fast findings enter the ledger, beside what Postgres can take at all.

The measure is a plain COPY of the very same rows, made ready beforehand, into the very same table with its indexes.
Ingest begins where a parser ends: it turns findings into rows, finds out which are known, writes them and their
sightings, and ends job and scan. Each figure is the best of several rounds, so that a busy machine blurs it least.
"""

import gc
import time
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import text

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanrequest import ScanRequestSpec, Target
from secapi_core.findings import Confidence, Finding, Location, Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.transitions.plan import plan_scan
from secapi_core.ledger.types import ClaimedJob, NewScan, RunReport
from secapi_core.planning import Plan, PlannedJob, job_id, scanner_digest
from secapi_core.settings import Settings
from secapi_core.targets import Scope

NAMESPACE = "bench-ingest"
SIZES = {"100k": (100_000, 3), "1k": (1_000, 15)}
"""Findings in a report, and how often it is measured."""

Report = Sequence[tuple[bytes, Finding]]

_SCANNER = ScannerSpec.model_validate(
    {
        "title": "Bench",
        "targetTypes": ["url"],
        "pool": "bench",
        "command": "true",
        "output": {"format": "sarif", "source": "stdout"},
    }
)


async def measure(database_url: str) -> dict[str, float]:
    """Rows a second and ratios by size of the report; leaves nothing in the database."""
    database = Database(Settings(database_url=database_url, statement_timeout=300), application="secapi-bench")
    figures: dict[str, float] = {}
    try:
        for size, (count, rounds) in SIZES.items():
            report = _report(count)
            times = [await _round(database, report) for _ in range(rounds)]
            raw, new, known = (min(column) for column in zip(*times, strict=True))
            figures |= {
                f"{size}_raw_copy_rows_per_second": round(count / raw),
                f"{size}_new_rows_per_second": round(count / new),
                f"{size}_known_rows_per_second": round(count / known),
                f"{size}_new_to_raw_copy": round(raw / new, 2),
                f"{size}_known_to_raw_copy": round(raw / known, 2),
            }
    finally:
        await _forget(database)
        await database.close()
    return figures


async def _round(database: Database, report: Report) -> tuple[float, float, float]:
    """Seconds for a plain COPY, for an ingest of new findings, and for another of the same."""
    await _forget(database)
    new = await _finish(database, await _claimed(database), report)
    known = await _finish(database, await _claimed(database), report)
    rows = await _stored(database)
    await _forget(database)
    return await _copy(database, rows), new, known


async def _finish(database: Database, job: ClaimedJob, report: Report) -> float:
    gc.collect()
    began = time.perf_counter()
    async with database.transaction() as session:
        await finish_job(session, job, report, [], RunReport(exit_code=0, log_tail=""))
    return time.perf_counter() - began


async def _copy(database: Database, rows: list[asyncpg.Record]) -> float:
    connection = await _connect(database)
    try:
        records = [tuple(row) for row in rows]
        gc.collect()
        began = time.perf_counter()
        await connection.copy_records_to_table("findings", records=records)
        return time.perf_counter() - began
    finally:
        await connection.close()


async def _stored(database: Database) -> list[asyncpg.Record]:
    connection = await _connect(database)
    try:
        return await connection.fetch("SELECT * FROM findings WHERE namespace = $1 ORDER BY id", NAMESPACE)
    finally:
        await connection.close()


async def _connect(database: Database) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection that passes JSON on as the bytes it is, so that a COPY of it costs what it must."""
    connection = await asyncpg.connect(database.dsn)
    await connection.set_type_codec("jsonb", encoder=bytes, decoder=bytes, schema="pg_catalog", format="binary")
    return connection


async def _forget(database: Database) -> None:
    """Remove every trace of the benchmark and let Postgres have the space back."""
    async with database.transaction() as session:
        await session.execute(
            text("DELETE FROM sightings USING scans WHERE scan_id = scans.id AND namespace = :namespace"),
            {"namespace": NAMESPACE},
        )
        for table in ("findings", "scans"):
            await session.execute(
                text(f"DELETE FROM {table} WHERE namespace = :namespace"),  # noqa: S608 - our own names
                {"namespace": NAMESPACE},
            )
        await session.execute(text("DELETE FROM scanner_specs WHERE name = 'bench'"))
    connection = await _connect(database)
    try:
        for table in ("findings", "sightings"):
            await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await connection.close()


async def _claimed(database: Database) -> ClaimedJob:
    """The only job of a new scan, claimed."""
    target = Target(url="https://bench.example/")
    spec = ScanRequestSpec.model_validate({"targets": [target.to_wire()], "scanners": [{"name": "bench"}]})
    scan = NewScan(uuid4(), NAMESPACE, f"bench-{uuid4().hex[:8]}", spec, None)
    async with database.transaction() as session:
        await plan_scan(session, scan, _plan(scan.id, target))
    async with database.transaction() as session:
        job = await claim_job(session, job_id(scan.id, "bench", "bench"), worker="bench", lease_seconds=600)
    if job is None:
        raise AssertionError("the benchmark's own job is gone")
    return job


def _plan(scan_id: UUID, target: Target) -> Plan:
    digest = scanner_digest(_SCANNER)
    job = PlannedJob(
        id=job_id(scan_id, "bench", "bench"),
        ordinal=0,
        scanner="bench",
        scanner_digest=digest,
        family="bench",
        pool="bench",
        target=target,
        target_key="bench",
        parameters={},
        timeout_seconds=600,
        max_attempts=1,
    )
    return Plan(jobs=[job], scope=Scope(), scanner_specs={digest: _SCANNER})


def _report(count: int) -> Report:
    """Findings as large as a static analyzer's: about 370 bytes of details, 700 in all."""
    severities = list(Severity)
    return [
        (
            sha256(f"bench {number}".encode()).digest(),
            Finding(
                rule=f"B{number % 300:03}",
                title=f"Possible injection through a string in function number {number}",
                severity=severities[number % 5],
                confidence=Confidence.MEDIUM,
                location=Location(path=f"src/part_{number % 40}/module_{number % 9}.py", start_line=number % 999 + 1),
                anchor=f"execute(query_{number})",
                description="The query is put together from text that may come from outside the program. " * 2,
                remediation="Pass values as parameters of the query.",
                cwes=(89,),
                cvss_score=7.5,
                references=("https://docs.example/B608",),
                details={"code": f"cursor.execute(query_{number})\n" * 9, "column": number % 80, "tool": "bench"},
            ),
        )
        for number in range(count)
    ]
