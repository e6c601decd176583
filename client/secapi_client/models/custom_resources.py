"""Answers of ``/v1/schedules`` and ``/v1/policies``."""

from datetime import datetime
from typing import Any

from secapi_client.models.base import Model


class CustomResource(Model):
    """An object that is kept in Kubernetes."""

    namespace: str
    name: str
    spec: dict[str, Any]
    created_at: datetime
    generation: int
    """Counts the versions of the spec, from 1."""

    resource_version: str
    """Changes with every change, also of the status."""


class Schedule(CustomResource):
    """Creates a scan from a template at the times of a cron expression."""

    status: dict[str, Any]
    """When it ran and will run."""


class Policy(CustomResource):
    """What the scans of a namespace may do; several policies add up."""
