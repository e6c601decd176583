"""Answers of ``/v1/webhooks``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from secapi_client.models.base import Model


class Webhook(Model):
    """An address that is told of what happens in a namespace."""

    id: UUID
    namespace: str
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_reason: str | None
    consecutive_failures: int
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime


class IssuedWebhook(Webhook):
    """A webhook with its new secret, which nobody can see again."""

    secret: str = Field(repr=False)


class Delivery(Model):
    """One event for one webhook."""

    id: UUID
    webhook_id: UUID
    event: str
    event_id: UUID
    """The header ``webhook-id``."""

    payload: dict[str, Any]
    state: str
    attempts: int
    status_code: int | None
    reason: str | None
    response: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
