"""Webhooks: made, changed, given another secret, removed, disabled when nobody is there any more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.ledger.tables import Webhook
from secapi_core.webhooks.events import Disabled

_CREATE = text("""
    INSERT INTO webhooks (id, namespace, url, events, description, created_by)
    VALUES (:id, :namespace, :url, :events, :description, :created_by)
""")

# What was signed with the secret before the last one was the receiver's to exchange in its own grace period.
_ROTATE = text("""
    UPDATE webhooks
    SET secret_version = secret_version + 1, previous_secret_until = now() + CAST(:grace AS interval),
        version = version + 1, updated_at = now()
    WHERE id = :id
    RETURNING secret_version
""")

# First what whoever ends a delivery locks first, so that neither waits for the other.
_REMOVE_DELIVERIES = text("DELETE FROM deliveries WHERE webhook_id = :id")

_REMOVE = text("DELETE FROM webhooks WHERE id = :id RETURNING id")

_DISABLE = text("""
    UPDATE webhooks SET disabled_reason = :reason, version = version + 1, updated_at = now()
    WHERE id = :id AND disabled_reason IS NULL
    RETURNING id
""")


async def create_webhook(
    session: AsyncSession, *, namespace: str, url: str, events: Sequence[str], description: str, created_by: str
) -> UUID:
    """The new webhook's id; it is enabled."""
    values = {"id": uuid7(), "namespace": namespace, "url": url, "events": list(events), "description": description}
    await session.execute(_CREATE, values | {"created_by": created_by})
    return UUID(str(values["id"]))


async def change_webhook(session: AsyncSession, webhook_id: UUID, version: int, changes: dict[str, Any]) -> bool:
    """Set columns; false if the webhook is not at ``version`` (any more).

    ``enabled`` stands for ``disabled_reason``; whoever enables a webhook forgives what failed.
    """
    values = dict(changes)
    match values.pop("enabled", None):
        case True:
            values |= {"disabled_reason": None, "consecutive_failures": 0, "failing_since": None}
        case False:
            values["disabled_reason"] = Disabled.REQUESTED
    statement = (
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.version == version)
        .values(**values, version=Webhook.version + 1, updated_at=text("now()"))
        .returning(Webhook.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def rotate_secret(session: AsyncSession, webhook_id: UUID, *, grace: timedelta) -> int | None:
    """The number of the new secret; the one before is signed with, too, for ``grace``. ``None``: no such webhook."""
    rotated: int | None = (await session.execute(_ROTATE, {"id": webhook_id, "grace": grace})).scalar_one_or_none()
    return rotated


async def disable_webhook(session: AsyncSession, webhook_id: UUID, reason: Disabled) -> bool:
    """Tell it nothing any more; false if that was so before."""
    return bool((await session.execute(_DISABLE, {"id": webhook_id, "reason": reason})).all())


async def remove_webhook(session: AsyncSession, webhook_id: UUID) -> bool:
    """Forget the webhook and everything that it was told; false if there is none."""
    await session.execute(_REMOVE_DELIVERIES, {"id": webhook_id})
    return bool((await session.execute(_REMOVE, {"id": webhook_id})).all())
