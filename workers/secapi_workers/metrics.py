"""What workers count, for Prometheus. Labels come from small, closed sets: catalogue names, reasons, priorities.

A worker's processes write to files in ``PROMETHEUS_MULTIPROC_DIR``, which must be set before this module is imported;
the parent adds the files up when scraped. A file belongs to a *slot* of the pool, not to a process: when a process is
replaced, the next one in its slot counts on, so neither files nor scrapes grow with the worker's age.
"""

import os

from billiard.process import current_process  # type: ignore[import-untyped]  # it ships no types
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from secapi_core.failures import FailureReason
from secapi_core.ledger.types import ClaimedJob, IngestCounts
from secapi_workers.runner.sandbox import Outcome

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


def _slot() -> str:
    """Which of the pool's processes this is; ``main`` for the parent."""
    return str(getattr(current_process(), "index", "main"))


if DIRECTORY_VARIABLE in os.environ:
    values.ValueClass = values.MultiProcessValue(process_identifier=_slot)  # type: ignore[no-untyped-call]  # as below

ATTEMPTS = Counter(
    "secapi_worker_attempts_total", "Attempts that ended here, by outcome", ["pool", "scanner", "outcome", "reason"]
)
DELIVERIES = Counter(
    "secapi_worker_deliveries_total", "Messages that came in, by what the ledger made of them", ["result"]
)
WEBHOOK_DELIVERIES = Counter(
    "secapi_webhook_deliveries_total", "Tries to tell a webhook of an event", ["outcome", "reason"]
)
SCAN_SECONDS = Histogram("secapi_worker_scan_seconds", "Time the scanner itself ran", ["scanner"], buckets=_SECONDS)
CLAIM_TO_FINISH = Histogram(
    "secapi_worker_claim_to_finish_seconds", "From the claim to committed results", ["scanner"], buckets=_SECONDS
)
SUBMIT_TO_FINISH = Histogram(
    "secapi_worker_submit_to_finish_seconds",
    "From planning to committed results",
    ["pool", "priority"],
    buckets=_SECONDS,
)
HEARTBEAT_FAILURES = Counter("secapi_worker_heartbeat_failures_total", "Heartbeats that the database did not answer")
LEASES_LOST = Counter(
    "secapi_worker_leases_lost_total", "Jobs given up because they may be another worker's", ["scanner"]
)
PROCESSES_KILLED = Counter("secapi_worker_processes_killed_total", "Processes that scanners left behind", ["scanner"])
FINDINGS = Counter(
    "secapi_worker_findings_total",
    "Findings in committed reports: seen, new among them, quarantined",
    ["scanner", "kind"],
)


def count_end(job: ClaimedJob, outcome: str, reason: FailureReason | None = None) -> None:
    """An attempt ended; ``outcome`` is a job state, ``released`` or ``lost``."""
    ATTEMPTS.labels(job.pool, job.scanner, outcome, reason or "").inc()
    if outcome == "lost":
        LEASES_LOST.labels(job.scanner).inc()


def count_scan(job: ClaimedJob, outcome: Outcome) -> None:
    """A scanner ended."""
    SCAN_SECONDS.labels(job.scanner).observe(outcome.seconds)
    if outcome.killed:
        PROCESSES_KILLED.labels(job.scanner).inc(outcome.killed)


def count_success(job: ClaimedJob, counts: IngestCounts, seconds: float) -> None:
    """Results were committed ``seconds`` after the claim."""
    count_end(job, "succeeded")
    CLAIM_TO_FINISH.labels(job.scanner).observe(seconds)
    # Both times by the database's clock, so that skewed clocks cannot make it negative.
    waited = (job.claimed_at - job.created_at).total_seconds()
    SUBMIT_TO_FINISH.labels(job.pool, job.priority).observe(waited + seconds)
    for kind, number in (("seen", counts.seen), ("new", counts.new), ("quarantined", counts.quarantined)):
        FINDINGS.labels(job.scanner, kind).inc(number)


def exposition() -> bytes:
    """All processes' metrics in the text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return generate_latest(registry)
