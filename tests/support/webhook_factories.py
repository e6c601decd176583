"""Webhooks and deliveries in the ledger."""

import time
from uuid import UUID, uuid4

from ledger_factories import execute
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.deliveries import ping
from secapi_core.ledger.transitions.webhooks import create_webhook

ALL = ["scan.succeeded", "scan.failed", "scan.cancelled"]


async def make_webhook(
    database: Database, namespace: str = "team-a", events: list[str] = ALL, *, url: str = "https://hooks.example/"
) -> UUID:
    async with database.transaction() as session:
        return await create_webhook(
            session, namespace=namespace, url=url, events=events, description="", created_by="me"
        )


async def pinged(database: Database, webhook_id: UUID) -> UUID:
    async with database.transaction() as session:
        return await ping(session, webhook_id)


async def made_before(database: Database, webhook_id: UUID, *, days: int, state: str = "delivered") -> UUID:
    """The id, which tells when, of a delivery that was made so long ago."""
    milliseconds = int(time.time() - days * 86_400) * 1_000
    delivery_id = UUID(int=milliseconds << 80 | uuid4().int >> 48)
    await execute(
        database,
        "INSERT INTO deliveries (id, webhook_id, namespace, event_type, event_id, payload, state, finished_at) "
        "SELECT :id, id, namespace, 'scan.failed', :id, '{}', CAST(:state AS text), "
        "       CASE CAST(:state AS text) WHEN 'pending' THEN NULL ELSE now() END "
        "FROM webhooks WHERE id = :webhook_id",
        id=delivery_id,
        webhook_id=webhook_id,
        state=state,
    )
    return delivery_id
