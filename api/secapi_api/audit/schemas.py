"""Answers and parameters of ``/v1/audit-events``."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from secapi_api.schemas import Namespace, PageQuery, Schema, Timestamp
from secapi_core.ledger.queries.audit_events import AuditFilter, RecordedEvent


class AuditEvent(Schema):
    """One thing that somebody did."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c5a2-6d6e-7c3a-9d4f-5a2f6f1c8e11",
                    "at": "2026-11-26T09:30:00Z",
                    "actor": "key:0198c5a2-1111-7c3a-9d4f-5a2f6f1c8e11",
                    "actorName": "ci",
                    "action": "cancelScan",
                    "kind": "scan",
                    "subject": "0198c5a2-2222-7c3a-9d4f-5a2f6f1c8e11",
                    "namespace": "team-a",
                    "requestId": "4bf92f3577b34da6a3ce929d0e0e4736",
                    "before": {"phase": "Running"},
                    "after": {"phase": "Cancelled"},
                }
            ]
        }
    )

    id: UUID
    at: datetime
    actor: str
    """``key:…``, ``user:…`` or ``serviceaccount:…``; ``system:…`` where SecAPI itself acted."""

    actor_name: str
    action: str
    """The operation id of the request."""

    kind: str
    subject: str
    """Which of its kind: an id, or a name within the namespace."""

    namespace: str | None
    """Null for what belongs to the whole platform."""

    request_id: str
    """Names the request in the logs."""

    before: dict[str, Any] | None
    """What mattered before; null where there was nothing."""

    after: dict[str, Any] | None
    """The same afterwards."""

    @classmethod
    def of(cls, event: RecordedEvent) -> "AuditEvent":
        """From the ledger."""
        return cls(**{name: getattr(event, name) for name in RecordedEvent.__dataclass_fields__})


class AuditQuery(PageQuery):
    """Which events; every condition that is given holds."""

    namespace: Namespace | None = None
    """Without one: of the whole platform, which takes its administrator."""

    actor: str | None = Field(None, max_length=200)
    action: str | None = Field(None, max_length=100, examples=["cancelScan"])
    subject: str | None = Field(None, max_length=300)
    since: Timestamp | None = None
    """At or after this time."""

    def filter(self) -> AuditFilter:
        """These conditions."""
        namespaces: Collection[str] | None = None if self.namespace is None else [self.namespace]
        return AuditFilter(
            namespaces=namespaces, actor=self.actor, action=self.action, subject=self.subject, since=self.since
        )
