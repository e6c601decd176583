"""What webhooks were told and everybody has forgotten: deliveries that ended long ago leave the ledger."""

from datetime import timedelta

import structlog

from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.deliveries import forget_deliveries

log = structlog.get_logger(__name__)

_BATCH = 1_000


async def forget(database: Database, *, older_than: timedelta) -> None:
    """Forget every such delivery."""
    forgotten = 0
    while True:
        async with database.transaction() as session:
            count = await forget_deliveries(session, older_than=older_than, limit=_BATCH)
        forgotten += count
        if count < _BATCH:
            break
    if forgotten:
        log.info("deliveries forgotten", deliveries=forgotten)
