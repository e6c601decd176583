"""Scans of the no-op scanner in the ledger, planned as the operator does, and what became of them."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
from sqlalchemy import select

from secapi_core.crds.scanpolicy import ScanPolicySpec
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.ledger.database import Database
from secapi_core.ledger.tables import Attempt, Scan, ScanJob, Sighting
from secapi_core.ledger.transitions.plan import plan_scan
from secapi_core.ledger.types import NewScan
from secapi_core.planning import PlatformLimits, plan
from secapi_workers import noop
from secapi_workers.catalogue import built_in

LOOPBACK = ScanPolicySpec.model_validate({"allowedTargets": {"cidrs": ["127.0.0.0/8"]}})
TARGET = {"url": "http://127.0.0.1:9/"}


def install_noop(tools_dir: Path) -> None:
    """Put ``secapi-noop`` where a worker with this ``tools_dir`` looks for it."""
    command = tools_dir / "bin" / "secapi-noop"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{noop.__file__}" "$@"\n')
    command.chmod(0o755)


def noop_processes(parent: int) -> list[psutil.Process]:
    """No-op scanners, and what they forked, that run below the process ``parent``."""
    found = []
    for process in psutil.Process(parent).children(recursive=True):
        # Others come and go while one looks.
        with suppress(psutil.NoSuchProcess):
            if noop.__file__ in process.cmdline():
                found.append(process)
    return found


async def plan_noop_scan(
    database: Database, *, target: dict[str, Any] = TARGET, spec: dict[str, Any] | None = None, **parameters: Any
) -> UUID:
    """Plan a scan with one job of the no-op scanner with ``parameters``; the job's id."""
    request = {"targets": [target], "scanners": [{"name": "noop", "parameters": parameters}]} | (spec or {})
    parsed = ScanRequestSpec.model_validate(request)
    scan = NewScan(id=uuid4(), namespace="team-a", name=f"scan-{uuid4().hex[:8]}", spec=parsed, submitted_by=None)
    scanners = {name: scanner.spec for name, scanner in built_in(testing=True).items()}
    planned = plan(scan.id, parsed, scanners, [LOOPBACK], PlatformLimits())
    async with database.transaction() as session:
        assert await plan_scan(session, scan, planned)
    return planned.jobs[0].id


@dataclass(frozen=True)
class Outcome:
    """A job, its scan, its attempts in order, and how many findings the scan has seen."""

    job: ScanJob
    scan: Scan
    attempts: list[Attempt]
    sightings: int

    @property
    def attempt_states(self) -> list[str]:
        """How the attempts ended."""
        return [str(attempt.state) for attempt in self.attempts]


async def outcome_of(database: Database, job_id: UUID) -> Outcome:
    """What the ledger says now."""
    async with database.transaction() as session:
        job = await session.get_one(ScanJob, job_id)
        scan = await session.get_one(Scan, job.scan_id)
        attempts = await session.scalars(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.attempt))
        sightings = await session.scalars(select(Sighting.finding_id).where(Sighting.scan_id == scan.id))
        return Outcome(job, scan, list(attempts), len(list(sightings)))


async def until_outcome(
    database: Database, job_id: UUID, holds: Callable[[Outcome], bool], *, within: float = 10.0
) -> Outcome:
    """The first outcome for which ``holds``; the test fails with the last one when the deadline passes."""
    deadline = time.monotonic() + within
    while not holds(outcome := await outcome_of(database, job_id)):
        job = outcome.job
        assert time.monotonic() < deadline, (
            f"not within {within} s; the job is {job.state}, {job.reason}, {job.message}"
        )
        await asyncio.sleep(0.02)
    return outcome
