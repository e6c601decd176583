"""Gauges that come from the ledger; the leader alone sets them, so that sums over pods stay right."""

from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.gauges import (
    dead_letters,
    delivery_age,
    expiring_api_keys,
    findings_by_severity_and_state,
    outbox,
)
from secapi_core.ledger.queries.queues import queue_depths
from secapi_operator import metrics


async def refresh_work(database: Database) -> None:
    """How much waits to be sent, run, looked at or renewed by a person."""
    async with database.transaction() as session:
        depths = await queue_depths(session)
        waiting = await outbox(session)
        dead = await dead_letters(session)
        expiring = await expiring_api_keys(session)
        untold = await delivery_age(session)
    metrics.OUTBOX_MESSAGES.set(waiting.due)
    metrics.OUTBOX_AGE.set(waiting.oldest_age_seconds)
    metrics.API_KEYS_EXPIRING.set(expiring)
    metrics.DELIVERY_AGE.set(untold)
    # What is not there any more must not keep its last value.
    for gauge in (metrics.QUEUE_JOBS, metrics.QUEUE_AGE, metrics.DEAD_LETTERS):
        gauge.clear()
    for depth in depths:
        metrics.QUEUE_JOBS.labels(depth.pool, depth.priority.value, "queued").set(depth.queued)
        metrics.QUEUE_JOBS.labels(depth.pool, depth.priority.value, "running").set(depth.running)
        metrics.QUEUE_AGE.labels(depth.pool, depth.priority.value).set(depth.oldest_age_seconds)
    for (namespace, scanner), count in dead.items():
        metrics.DEAD_LETTERS.labels(namespace, scanner).set(count)


async def refresh_findings(database: Database) -> None:
    """Findings by severity and state; reads the whole table, so it is done seldom."""
    async with database.transaction() as session:
        counts = await findings_by_severity_and_state(session)
    metrics.FINDINGS.clear()
    for entry in counts:
        metrics.FINDINGS.labels(entry.namespace, entry.severity.value, entry.state.value).set(entry.count)


def clear_gauges() -> None:
    """Forget what only a leader knows."""
    for gauge in (
        metrics.OUTBOX_MESSAGES,
        metrics.OUTBOX_AGE,
        metrics.API_KEYS_EXPIRING,
        metrics.DELIVERY_AGE,
        metrics.RECONCILE_QUEUE,
        metrics.RECONCILE_DELAYED,
    ):
        gauge.set(0)
    for gauge in (metrics.QUEUE_JOBS, metrics.QUEUE_AGE, metrics.DEAD_LETTERS, metrics.FINDINGS):
        gauge.clear()
