"""Webhooks and deliveries for tests of the ledger."""

from uuid import UUID

from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.deliveries import ping
from secapi_core.ledger.transitions.webhooks import create_webhook

ALL = ["scan.succeeded", "scan.failed", "scan.cancelled"]


async def make_webhook(database: Database, namespace: str = "team-a", events: list[str] = ALL) -> UUID:
    async with database.transaction() as session:
        return await create_webhook(
            session, namespace=namespace, url="https://hooks.example/", events=events, description="", created_by="me"
        )


async def pinged(database: Database, webhook_id: UUID) -> UUID:
    async with database.transaction() as session:
        return await ping(session, webhook_id)
