"""Answers of ``/v1/dead-letters``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from secapi_client.models.base import Model


class DeadLetter(Model):
    """A job that failed in every attempt it had."""

    id: UUID
    namespace: str
    scan_id: UUID
    """The scan that the job was part of."""

    job_id: UUID
    scanner: str
    target: dict[str, Any]
    parameters: dict[str, Any]
    attempts: int
    reason: str
    message: str
    created_at: datetime
    replayed_at: datetime | None
    replay_scan_id: UUID | None
    """The scan that ran the job again."""
