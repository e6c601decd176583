"""Webhooks and what they were told: one by id, and pages of them, newest first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.queries._pages import newest_first
from secapi_core.ledger.states import DeliveryState
from secapi_core.ledger.tables import Delivery, Webhook
from secapi_core.paging import Page
from secapi_core.webhooks.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDetail:
    """A webhook; ``disabled_reason`` is ``None`` as long as it is enabled."""

    id: UUID
    namespace: str
    url: str
    events: list[str]
    description: str
    disabled_reason: str | None
    secret_version: int
    previous_secret_until: datetime | None
    consecutive_failures: int
    failing_since: datetime | None
    created_by: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """One event for one webhook; ``not_before`` is when a pending one is tried next, or again if nothing is heard."""

    id: UUID
    webhook_id: UUID
    namespace: str
    event_type: str
    event_id: UUID
    payload: dict[str, Any]
    state: DeliveryState
    attempts: int
    status_code: int | None
    reason: str | None
    response: str | None
    not_before: datetime
    created_at: datetime
    finished_at: datetime | None


_WEBHOOK = [Webhook.__table__.c[name] for name in WebhookDetail.__dataclass_fields__]
_DELIVERY = [Delivery.__table__.c[name] for name in DeliveryDetail.__dataclass_fields__]


async def get_webhook(
    session: AsyncSession, webhook_id: UUID, namespaces: Collection[str] | None
) -> WebhookDetail | None:
    """The webhook, unless it is in none of ``namespaces`` (``None``: all)."""
    query = select(*_WEBHOOK).where(Webhook.id == webhook_id)
    if namespaces is not None:
        query = query.where(Webhook.namespace.in_(namespaces))
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else WebhookDetail(**row)


async def list_webhooks(
    session: AsyncSession, namespace: str | None, *, cursor: str | None, limit: int
) -> Page[WebhookDetail]:
    """A page of at most ``limit`` webhooks of ``namespace`` (``None``: of all), newest first; raises InvalidCursor."""
    query = select(*_WEBHOOK)
    if namespace is not None:
        query = query.where(Webhook.namespace == namespace)
    return await newest_first(session, query, Webhook.id, WebhookDetail, cursor, limit)


async def get_delivery(session: AsyncSession, webhook_id: UUID, delivery_id: UUID) -> DeliveryDetail | None:
    """The delivery, if it is the webhook's."""
    query = select(*_DELIVERY).where(Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else DeliveryDetail(**row)


async def list_deliveries(
    session: AsyncSession,
    webhook_id: UUID,
    *,
    state: DeliveryState | None,
    event: Event | None,
    cursor: str | None,
    limit: int,
) -> Page[DeliveryDetail]:
    """A page of at most ``limit`` deliveries, newest first; ``None`` sets no condition. Raises InvalidCursor."""
    query = select(*_DELIVERY).where(Delivery.webhook_id == webhook_id)
    if state is not None:
        query = query.where(Delivery.state == state)
    if event is not None:
        query = query.where(Delivery.event_type == event)
    return await newest_first(session, query, Delivery.id, DeliveryDetail, cursor, limit)
