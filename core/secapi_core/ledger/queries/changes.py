"""What changed in scans since somebody looked: for many scans at once, so that following them costs few statements.

A job's *step* grows with every change of its state: 1 while the job waits for its first attempt, then each
claim adds 2 and what follows 1 or 2. So the sum over a scan's jobs grows whenever one of them changes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.queries.jobs import JobDetail
from secapi_core.ledger.queries.scans import ScanSummary
from secapi_core.ledger.states import JobState, ScanState
from secapi_core.messages import Priority

STEPS = 252
"""Steps are told apart modulo this, a multiple of 3, so that an end is never taken for something else."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a scan is: it has changed since if either number has."""

    version: int = 0
    steps: int = -1


@dataclass(frozen=True, slots=True)
class ScanChange:
    """A scan as it is now. Deleted scans are found too: whoever follows one must hear how it ended."""

    scan: ScanSummary
    mark: Mark


@dataclass(frozen=True, slots=True)
class JobChange:
    """A job as it is now; ``step`` is from 1 to ``STEPS``."""

    scan_id: UUID
    job: JobDetail
    step: int


_STEP = "3 * attempt + CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END"

_SCANS = text(f"""
    SELECT {", ".join(f"scans.{name}" for name in ScanSummary.__dataclass_fields__)}, jobs.steps
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS integer[]), CAST(:steps AS bigint[]))
        AS known (id, version, steps)
    JOIN scans ON scans.id = known.id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum({_STEP}), 0)::bigint AS steps FROM scan_jobs WHERE scan_id = scans.id
    ) AS jobs
    WHERE scans.version <> known.version OR jobs.steps <> known.steps
""")  # noqa: S608 - joins constants

_JOBS = text(f"""
    WITH job AS (
        SELECT scan_id, {", ".join(f"scan_jobs.{name}" for name in JobDetail.__dataclass_fields__)},
               1 + ({_STEP}) % {STEPS} AS step,
               CASE WHEN ordinal < octet_length(known.steps) THEN get_byte(known.steps, ordinal) ELSE 0 END AS seen
        FROM unnest(CAST(:ids AS uuid[]), CAST(:steps AS bytea[])) AS known (id, steps)
        JOIN scan_jobs ON scan_id = known.id
    )
    SELECT * FROM job WHERE step <> seen ORDER BY scan_id, ordinal
""")  # noqa: S608 - joins constants


async def changed_scans(session: AsyncSession, known: Mapping[UUID, Mark]) -> list[ScanChange]:
    """Those scans that are not where ``known`` has them, in one statement."""
    parameters = {
        "ids": list(known),
        "versions": [mark.version for mark in known.values()],
        "steps": [mark.steps for mark in known.values()],
    }
    rows = (await session.execute(_SCANS, parameters)).mappings()
    return [ScanChange(_scan(row), Mark(row["version"], row["steps"])) for row in rows]


async def changed_jobs(session: AsyncSession, known: Mapping[UUID, bytes]) -> list[JobChange]:
    """Jobs that are not at the step that ``known`` has for them, scan by scan in the order of the plan.

    ``known`` has a byte for each job of the scan, by ordinal; 0 or nothing is a job that nobody has seen.
    """
    rows = (await session.execute(_JOBS, {"ids": list(known), "steps": list(known.values())})).mappings()
    return [JobChange(row["scan_id"], _job(row), row["step"]) for row in rows]


def _scan(row: RowMapping) -> ScanSummary:
    values = _fields(row, ScanSummary.__dataclass_fields__)
    return ScanSummary(**values | {"state": ScanState(row["state"]), "priority": Priority(row["priority"])})


def _job(row: RowMapping) -> JobDetail:
    return JobDetail(**_fields(row, JobDetail.__dataclass_fields__) | {"state": JobState(row["state"])})


def _fields(row: RowMapping, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}
