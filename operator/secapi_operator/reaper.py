"""Jobs whose worker fell silent: their lease has run out by the database's clock (promise P3)."""

import structlog

from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_operator import metrics

log = structlog.get_logger(__name__)

_BATCH = 100


async def reap(database: Database) -> None:
    """Give every such job back to its queue, or end it."""
    while True:
        async with database.transaction() as session:
            reaped = await reap_expired(session, limit=_BATCH)
        for job in reaped:
            metrics.ATTEMPTS_LOST.labels(job.pool, job.scanner, job.state.value).inc()
            log.warning(
                "worker fell silent",
                job_id=str(job.id),
                scan_id=str(job.scan_id),
                namespace=job.namespace,
                scanner=job.scanner,
                attempt=job.attempt,
                job_state=job.state.value,
            )
        if len(reaped) < _BATCH:
            return
