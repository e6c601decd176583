"""Dead letters: one by id with what its scan asked for, and pages of them, newest first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.failures import FailureReason
from secapi_core.ledger.queries._pages import newest_first
from secapi_core.ledger.tables import DeadLetter, Scan, ScanJob
from secapi_core.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterSummary:
    """A job that used up its attempts; ``target`` and ``parameters`` are those it ran with."""

    id: UUID
    namespace: str
    scan_id: UUID
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterDetail(DeadLetterSummary):
    """A dead letter with its scan's request; ``spec`` is camelCase as in the custom resource."""

    spec: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Which letters to list; ``None`` sets no condition."""

    namespaces: Collection[str] | None = None
    scanner: str | None = None
    reason: FailureReason | None = None
    replayed: bool | None = None


_FROM_JOB = ("target", "parameters")
_COLUMNS = [
    (ScanJob if name in _FROM_JOB else DeadLetter).__table__.c[name] for name in DeadLetterSummary.__dataclass_fields__
]


async def get_dead_letter(
    session: AsyncSession, letter_id: UUID, namespaces: Collection[str] | None = None
) -> DeadLetterDetail | None:
    """The letter, unless it is in none of ``namespaces`` (``None``: all). Its scan may be deleted."""
    query = _select(namespaces).add_columns(Scan.spec).join(Scan, Scan.id == DeadLetter.scan_id)
    row = (await session.execute(query.where(DeadLetter.id == letter_id))).mappings().one_or_none()
    return None if row is None else DeadLetterDetail(**row)


async def list_dead_letters(
    session: AsyncSession, wanted: DeadLetterFilter, cursor: str | None, limit: int
) -> Page[DeadLetterSummary]:
    """A page of at most ``limit`` letters, newest first; raises InvalidCursor."""
    query = _select(wanted.namespaces)
    if wanted.scanner is not None:
        query = query.where(DeadLetter.scanner == wanted.scanner)
    if wanted.reason is not None:
        query = query.where(DeadLetter.reason == wanted.reason)
    if wanted.replayed is not None:
        replayed_at = DeadLetter.replayed_at
        query = query.where(replayed_at.is_not(None) if wanted.replayed else replayed_at.is_(None))
    return await newest_first(session, query, DeadLetter.id, DeadLetterSummary, cursor, limit)


def _select(namespaces: Collection[str] | None) -> Select[Any]:
    query = select(*_COLUMNS).join(ScanJob, ScanJob.id == DeadLetter.job_id)
    return query if namespaces is None else query.where(DeadLetter.namespace.in_(namespaces))
