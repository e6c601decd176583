"""Scans, jobs and findings for tests of the ledger, made without the planner: only what a test says differs."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanrequest import ScanRequestSpec, Target
from secapi_core.failures import Failure, FailureReason
from secapi_core.findings import Finding, Location, Quarantined, Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.states import JobState
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.transitions.plan import plan_scan
from secapi_core.ledger.types import ClaimedJob, IngestCounts, NewScan, RunReport
from secapi_core.planning import Plan, PlannedJob, job_id, scanner_digest
from secapi_core.settings import Settings
from secapi_core.targets import Scope

SCANNER = ScannerSpec.model_validate(
    {
        "title": "Bandit",
        "targetTypes": ["url"],
        "pool": "code",
        "command": "bandit",
        "output": {"format": "bandit-json", "source": "stdout"},
    }
)
CRASHED = Failure(FailureReason.SCANNER_CRASHED, "the scanner crashed")
BROKEN = Failure(FailureReason.OUTPUT_INVALID, "the report is not JSON")
UNWANTED = Failure(FailureReason.CANCELLED, "nobody wants it any more")
REPORT = RunReport(exit_code=0, log_tail="done", stats={"scanSeconds": 1.5})


def make_database(
    url: str, *, connections: int = 20, changed: Callable[[Sequence[str]], Awaitable[None]] | None = None
) -> Database:
    """A pool of its own, wide enough for tests that race."""
    return Database(
        Settings(database_url=url, database_pool_size=connections, database_pool_timeout=30),
        application="tests",
        changed=changed,
    )


def make_scan(namespace: str = "team-a", **spec: Any) -> NewScan:
    """A scan that nobody has entered yet; ``spec`` adds to the smallest one that is valid."""
    request = {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": "bandit"}]} | spec
    return NewScan(uuid4(), namespace, f"scan-{uuid4().hex[:8]}", ScanRequestSpec.model_validate(request), "key:test")


def make_plan(
    scan: NewScan, jobs: int = 1, *, target_keys: Sequence[str] | None = None, scanner: str = "bandit", **job: Any
) -> Plan:
    """A plan of ``jobs`` jobs, one for each target; ``job`` overrides fields of all."""
    digest = scanner_digest(SCANNER)
    keys = target_keys or [f"url:https://shop.example:443/{n}" for n in range(jobs)]
    planned = [
        PlannedJob(
            id=job_id(scan.id, scanner, key),
            ordinal=ordinal,
            scanner=scanner,
            scanner_digest=digest,
            family="bandit",
            pool="code",
            target=Target(url=f"https://shop.example/{ordinal}"),
            target_key=key,
            parameters={"level": 2},
            timeout_seconds=60,
            max_attempts=scan.spec.max_attempts,
        )
        for ordinal, key in enumerate(keys)
    ]
    return Plan(jobs=[replace(each, **job) for each in planned], scope=Scope(), scanner_specs={digest: SCANNER})


async def planned_scan(database: Database, jobs: int = 1, *, scan: NewScan | None = None, **plan: Any) -> list[UUID]:
    """The ids of the jobs of a scan that is queued now."""
    scan = scan or make_scan()
    made = make_plan(scan, jobs, **plan)
    async with database.transaction() as session:
        assert await plan_scan(session, scan, made)
    return [job.id for job in made.jobs]


async def claimed(database: Database, job: UUID, *, worker: str = "worker-1", lease_seconds: float = 60) -> ClaimedJob:
    """The job as ``worker`` has it now."""
    async with database.transaction() as session:
        owned = await claim_job(session, job, worker=worker, lease_seconds=lease_seconds)
    assert owned is not None
    return owned


async def running_job(database: Database, *, scan: NewScan | None = None, **plan: Any) -> ClaimedJob:
    """The only job of a new scan, claimed."""
    return await claimed(database, (await planned_scan(database, scan=scan, **plan))[0])


def make_finding(number: int = 0, *, severity: Severity = Severity.HIGH, **fields: Any) -> Finding:
    """One of as many findings as there are numbers."""
    values: dict[str, Any] = {
        "rule": f"B{number % 50:03}",
        "title": f"Possible problem number {number}",
        "severity": severity,
        "location": Location(path=f"src/module_{number % 40}.py", start_line=number % 500 + 1),
        "anchor": f"call_{number}()",
        "description": "Something may be wrong here, and this says at some length what and why. " * 2,
        "remediation": "Do it differently.",
        "cwes": (78, 88),
        "cvss_score": 7.5,
        "references": ("https://docs.example/B001",),
        # The code is text about which a scanner might complain, and as long as such texts are.
        "details": {"code": f"call_{number}(shell=True)\n" * 6, "confidence": "HIGH", "lines": [number, number + 1]},
    }
    return Finding(**values | fields)


def make_findings(numbers: Iterable[int], *, target: str = "", **fields: Any) -> list[tuple[bytes, Finding]]:
    """Findings with stand-ins for their fingerprints, equal for equal numbers on one target."""
    return [(sha256(f"{target}{number}".encode()).digest(), make_finding(number, **fields)) for number in numbers]


async def finish(
    database: Database,
    job: ClaimedJob,
    findings: Iterable[tuple[bytes, Finding]] = (),
    quarantined: list[Quarantined] | None = None,
) -> IngestCounts:
    """Commit the job with these findings."""
    async with database.transaction() as session:
        return await finish_job(session, job, findings, quarantined if quarantined is not None else [], REPORT)


async def dead_letter(
    database: Database, *, scan: NewScan | None = None, failure: Failure = CRASHED, **plan: Any
) -> UUID:
    """The letter of the only job of a new scan, which died in its only attempt."""
    job = await running_job(database, scan=scan, max_attempts=1, **plan)
    async with database.transaction() as session:
        assert await fail_job(session, job.id, job.attempt, failure, REPORT) is JobState.DEAD
    ((letter_id,),) = await fetch(database, "SELECT id FROM dead_letters WHERE job_id = :id", id=job.id)
    found: UUID = letter_id
    return found


async def fetch(database: Database, sql: str, **parameters: Any) -> list[Any]:
    """Rows of a statement that a test writes itself."""
    async with database.transaction() as session:
        return list(await session.execute(text(sql), parameters))


async def execute(database: Database, sql: str, **parameters: Any) -> None:
    """Bring the database into a state that would take long to come about."""
    async with database.transaction() as session:
        await session.execute(text(sql), parameters)


async def make_due(database: Database) -> None:
    """Let every queued job and message be due now."""
    await execute(database, "UPDATE scan_jobs SET not_before = now() WHERE state = 'queued'")
    await execute(database, "UPDATE outbox SET not_before = now()")


async def expire_leases(database: Database, ago: timedelta = timedelta(seconds=1)) -> None:
    """As if every worker had been silent for longer than its lease."""
    await execute(
        database,
        "UPDATE scan_jobs SET lease_until = clock_timestamp() - CAST(:ago AS interval) WHERE state = 'running'",
        ago=ago,
    )
