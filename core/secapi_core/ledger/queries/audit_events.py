"""The audit trail in pages, newest first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.queries._pages import newest_first
from secapi_core.ledger.tables import AuditEvent
from secapi_core.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """One line of the trail; see :class:`secapi_core.ledger.transitions.audit.NewAuditEvent`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which events; ``None`` sets no condition."""

    namespaces: Collection[str] | None = None
    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None


_COLUMNS = [AuditEvent.__table__.c[name] for name in RecordedEvent.__dataclass_fields__]


async def list_events(
    session: AsyncSession, wanted: AuditFilter, cursor: str | None, limit: int
) -> Page[RecordedEvent]:
    """A page of at most ``limit`` events, newest first; raises InvalidCursor."""
    query = select(*_COLUMNS)
    if wanted.namespaces is not None:
        query = query.where(AuditEvent.namespace.in_(wanted.namespaces))
    for name in ("actor", "action", "subject"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(AuditEvent.__table__.c[name] == value)
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    return await newest_first(session, query, AuditEvent.id, RecordedEvent, cursor, limit)
