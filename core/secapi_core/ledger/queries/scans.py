"""Scans: one by id, many by id for the operator, and pages of them, newest first."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, exists, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.states import ScanState
from secapi_core.ledger.tables import Scan, ScanJob
from secapi_core.messages import Priority
from secapi_core.paging import InvalidCursor, Page, decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """A scan's outcome and counts, without what was asked for. ``version`` grows with every change."""

    id: UUID
    namespace: str
    name: str
    priority: Priority
    state: ScanState
    reason: str | None
    message: str | None
    cancel_requested_at: datetime | None
    jobs_total: int
    jobs_open: int
    jobs_succeeded: int
    jobs_failed: int
    jobs_cancelled: int
    findings_critical: int
    findings_high: int
    findings_medium: int
    findings_low: int
    findings_info: int
    findings_new: int
    gate_passed: bool | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanDetail(ScanSummary):
    """A scan with its request; ``spec`` is camelCase as in the custom resource."""

    spec: dict[str, Any]
    submitted_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFilter:
    """Which scans to list; ``None`` sets no condition. ``target`` is a target key, ``since`` a time of creation."""

    namespaces: Collection[str] | None = None
    states: Collection[ScanState] | None = None
    scanner: str | None = None
    target: str | None = None
    since: datetime | None = None


_DETAIL = [Scan.__table__.c[name] for name in ScanDetail.__dataclass_fields__]

_GET = text(f"""
    SELECT {", ".join(ScanDetail.__dataclass_fields__)} FROM scans
    WHERE id = :id AND deleted_at IS NULL
      AND (CAST(:namespaces AS text[]) IS NULL OR namespace = ANY (CAST(:namespaces AS text[])))
""")  # noqa: S608 - column names are constants

_STATES = text(f"SELECT {', '.join(ScanSummary.__dataclass_fields__)} FROM scans WHERE id = ANY (:ids)")  # noqa: S608 - column names are constants


async def get_scan(
    session: AsyncSession, scan_id: UUID, namespaces: Collection[str] | None = None
) -> ScanDetail | None:
    """The scan, unless it is deleted or in none of ``namespaces`` (``None``: all)."""
    parameters = {"id": scan_id, "namespaces": None if namespaces is None else list(namespaces)}
    row = (await session.execute(_GET, parameters)).mappings().one_or_none()
    return None if row is None else _detail(row)


async def get_states(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, ScanSummary]:
    """Those of ``ids`` that the ledger knows, deleted ones too: for the operator, to whom custom resources matter."""
    rows = (await session.execute(_STATES, {"ids": list(ids)})).mappings()
    return {row["id"]: _summary(row) for row in rows}


async def list_scans(session: AsyncSession, wanted: ScanFilter, cursor: str | None, limit: int) -> Page[ScanDetail]:
    """A page of at most ``limit`` scans, newest first; raises InvalidCursor."""
    query = _filtered(wanted).order_by(Scan.created_at.desc(), Scan.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(tuple_(Scan.created_at, Scan.id) < _position(cursor))
    scans = [_detail(row) for row in (await session.execute(query)).mappings()]
    last = scans[limit - 1] if len(scans) > limit else None
    return Page(scans[:limit], encode_cursor(last.created_at.isoformat(), str(last.id)) if last else None)


def _filtered(wanted: ScanFilter) -> Select[Any]:
    query = select(*_DETAIL).where(Scan.deleted_at.is_(None))
    if wanted.namespaces is not None:
        query = query.where(Scan.namespace.in_(wanted.namespaces))
    if wanted.states is not None:
        query = query.where(Scan.state.in_(wanted.states))
    if wanted.since is not None:
        query = query.where(Scan.created_at >= wanted.since)
    jobs = exists().where(ScanJob.scan_id == Scan.id)
    if wanted.scanner is not None:
        query = query.where(jobs.where(ScanJob.scanner == wanted.scanner))
    if wanted.target is not None:
        query = query.where(jobs.where(ScanJob.target_key == wanted.target))
    return query


def _position(cursor: str) -> tuple[datetime, UUID]:
    created_at, scan_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(created_at), UUID(scan_id)
    except ValueError as error:
        raise InvalidCursor("this is not a cursor of a list of scans") from error


def _summary(row: RowMapping) -> ScanSummary:
    return ScanSummary(**_typed(row))


def _detail(row: RowMapping) -> ScanDetail:
    return ScanDetail(**_typed(row))


def _typed(row: RowMapping) -> dict[str, Any]:
    return dict(row) | {"state": ScanState(row["state"]), "priority": Priority(row["priority"])}
