"""finish: the results of an attempt become those of the scan, all at once or not at all (promise P2)."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import islice
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.errors import CancelRequested
from secapi_core.findings import Finding, Quarantined, Severity
from secapi_core.ledger.states import AttemptState, JobState
from secapi_core.ledger.transitions._fence import lock_job
from secapi_core.ledger.transitions._ingest import Ingest
from secapi_core.ledger.transitions._settle import NO_GAIN, ScanGain, end_job
from secapi_core.ledger.types import ClaimedJob, IngestCounts, RunReport

BATCH = 2_000
"""Findings that are looked up and sent at a time; the event loop runs between batches."""

QUARANTINE_LIMIT = 20
"""Quarantined entries that are kept with the attempt; the job counts all."""

T = TypeVar("T")


async def finish_job(
    session: AsyncSession,
    job: ClaimedJob,
    findings: Iterable[tuple[bytes, Finding]],
    quarantined: list[Quarantined],
    report: RunReport,
) -> IngestCounts:
    """Commit-ready: findings, sightings, job, attempt, the scan's counts and perhaps its end, in this transaction.

    ``findings`` are fingerprints with what they identify, and may be read from a report while they are stored; whoever
    reads it appends to ``quarantined`` what is no finding. Raises Superseded if the attempt no longer owns the job,
    CancelRequested if a cancellation came first; the caller's rollback then leaves no trace.
    """
    ingest: Ingest | None = None
    for batch in _batches(findings, BATCH):
        ingest = ingest or await Ingest.begin(session, job, quarantined)
        await ingest.write(batch)
        await asyncio.sleep(0)
    owned = await lock_job(session, job.id, job.attempt)
    if owned.cancel_requested:
        raise CancelRequested(f"job {job.id} was cancelled before attempt {job.attempt} committed")
    if ingest:
        await ingest.update_changed(session)
    counts = _counts(ingest, quarantined)
    gain = ScanGain(ingest.gained, ingest.new) if ingest else NO_GAIN
    report = replace(report, stats=report.stats | {"quarantined": [asdict(q) for q in quarantined[:QUARANTINE_LIMIT]]})
    await end_job(session, owned, JobState.SUCCEEDED, AttemptState.SUCCEEDED, report=report, counts=counts, gain=gain)
    return counts


def _counts(ingest: Ingest | None, quarantined: list[Quarantined]) -> IngestCounts:
    seen = {severity: ingest.seen[severity] if ingest else 0 for severity in Severity}
    return IngestCounts(
        seen=sum(seen.values()), new=ingest.new if ingest else 0, by_severity=seen, quarantined=len(quarantined)
    )


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
