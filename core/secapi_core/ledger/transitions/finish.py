"""finish: the results of an attempt become those of the scan, all at once or not at all (promise P2)."""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import asdict, replace

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.errors import CancelRequested
from secapi_core.findings import Finding, Quarantined, Severity
from secapi_core.ledger.states import AttemptState, JobState
from secapi_core.ledger.transitions._batches import batches
from secapi_core.ledger.transitions._fence import lock_job
from secapi_core.ledger.transitions._ingest import Ingest
from secapi_core.ledger.transitions._settle import NO_GAIN, ScanGain, end_job
from secapi_core.ledger.types import ClaimedJob, IngestCounts, RunReport

QUARANTINE_LIMIT = 20
"""Quarantined entries that are kept with the attempt; the job counts all."""


async def finish_job(
    session: AsyncSession,
    job: ClaimedJob,
    findings: Iterable[tuple[bytes, Finding]],
    quarantined: list[Quarantined],
    report: RunReport,
) -> IngestCounts:
    """Write findings, sightings, and the end of attempt, job and perhaps scan, all in this transaction.

    ``findings`` are fingerprints with what they identify, of this job's namespace, target and family. They may come
    from a report that is read meanwhile, in another thread; whoever reads it appends to ``quarantined`` what is no
    finding. Raises Superseded if the attempt no longer owns the job, CancelRequested if a cancellation came first; the
    caller's rollback then leaves no trace.
    """
    ingest: Ingest | None = None
    async with aclosing(batches(findings)) as ready:
        async for batch in ready:
            ingest = ingest or await Ingest.begin(session, job, quarantined)
            await ingest.write(batch)
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
