"""What tests of telling webhooks have in common: settings of the pool that does it, deliveries, and how those went."""

from typing import Any
from uuid import UUID

from ledger_factories import execute, fetch
from secapi_core.ledger.database import Database
from secapi_core.messages import DELIVER_EVENT, DELIVERIES
from secapi_operator.broker import celery_app
from secapi_workers.settings import WorkerSettings
from webhook_factories import make_webhook, pinged

KEY = "a key of the platform"
SYSTEM = {
    "SECAPI_WORKER_POOLS": "system",
    "SECAPI_WEBHOOK_KEY": KEY,
    "SECAPI_WEBHOOK_ALLOW_HTTP": "true",
    "SECAPI_WEBHOOK_ALLOWED_CIDRS": '["127.0.0.0/8"]',
}
"""The environment of a worker of the pool."""


def system_settings(database_url: str, **changes: Any) -> WorkerSettings:
    """The same for what runs in the test."""
    values = {
        "database_url": database_url,
        "redis_url": "redis://nowhere",
        "artifact_url": "memory:///",
        "worker_pools": "system",
        "webhook_key": KEY,
        "webhook_allow_http": True,
        "webhook_allowed_cidrs": ["127.0.0.0/8"],
        "webhook_timeout": 2,
    }
    return WorkerSettings.model_validate(values | changes)


async def make_receiving_webhook(
    database: Database, port: int, *, host: str = "127.0.0.1", namespace: str = "team-a"
) -> UUID:
    """A webhook whose receiver is at this port."""
    return await make_webhook(database, namespace, ["scan.failed"], url=f"http://{host}:{port}/")


async def due_delivery(database: Database, webhook_id: UUID, event: str = "scan.failed") -> UUID:
    """One that is due; as a ping is made, but with another name."""
    delivery_id = await pinged(database, webhook_id)
    await execute(database, "UPDATE deliveries SET event_type = :event WHERE id = :id", event=event, id=delivery_id)
    return delivery_id


async def make_due(database: Database) -> None:
    await execute(database, "UPDATE deliveries SET not_before = now() WHERE state = 'pending'")


async def outcome(database: Database, delivery_id: UUID) -> tuple[Any, ...]:
    """State, attempts, status and reason."""
    (row,) = await fetch(
        database, "SELECT state, attempts, status_code, reason FROM deliveries WHERE id = :id", id=delivery_id
    )
    return tuple(row)


def announce_events(redis_url: str, *delivery_ids: UUID) -> None:
    """Put one message for each delivery in the queue, as the operator does."""
    app = celery_app(redis_url)
    for delivery_id in delivery_ids:
        app.send_task(DELIVER_EVENT, args=[str(delivery_id)], queue=DELIVERIES, task_id=str(delivery_id))
    app.close()
