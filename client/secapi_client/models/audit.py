"""Answers of ``/v1/audit-events``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from secapi_client.models.base import Model


class AuditEvent(Model):
    """One thing that somebody did."""

    id: UUID
    at: datetime
    actor: str
    actor_name: str
    action: str
    kind: str
    subject: str
    namespace: str | None
    request_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
