"""``/v1/audit-events``."""

from collections.abc import Iterator
from datetime import datetime

from secapi_client.connection import Connection
from secapi_client.models.audit import AuditEvent


class AuditEvents:
    """Who did what."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def list(
        self,
        *,
        namespace: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[AuditEvent]:
        """Newest first; without a namespace, of the whole platform. ``since`` has a time zone."""
        parameters = {
            "namespace": namespace,
            "actor": actor,
            "action": action,
            "subject": subject,
            "since": since.isoformat() if since else None,
        }
        return self._connection.items("/v1/audit-events", AuditEvent, parameters, limit)
