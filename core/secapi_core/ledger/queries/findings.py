"""Findings as one scan saw them, worst first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.findings import Confidence, Location, Severity
from secapi_core.ledger.states import FindingState
from secapi_core.ledger.tables import FindingRow, Sighting
from secapi_core.paging import InvalidCursor, Page, decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFinding:
    """``severity`` is what the scanner said in this scan, ``is_new`` whether the namespace had never seen it.

    Everything else is the finding as it is known now.
    """

    id: UUID
    job_id: UUID
    scanner: str
    rule: str
    target_key: str
    severity: Severity
    is_new: bool
    state: FindingState
    confidence: Confidence | None
    title: str
    description: str
    remediation: str
    location: Location
    cwes: list[int]
    vulnerability_ids: list[str]
    cvss_score: float | None
    cvss_vector: str
    references: list[str]
    details: dict[str, Any]
    first_seen_at: datetime
    seen_at: datetime


_FROM_SIGHTING = ("job_id", "severity", "is_new", "seen_at")
_COLUMNS = [
    Sighting.__table__.c[name]
    if name in _FROM_SIGHTING
    else FindingRow.__table__.c["links" if name == "references" else name].label(name)
    for name in SeenFinding.__dataclass_fields__
]


async def list_scan_findings(
    session: AsyncSession,
    scan_id: UUID,
    *,
    severities: Collection[Severity] | None = None,
    scanner: str | None = None,
    only_new: bool = False,
    cursor: str | None = None,
    limit: int,
) -> Page[SeenFinding]:
    """A page of at most ``limit`` findings, worst first and then in the order they became known.

    Raises InvalidCursor.
    """
    query = (
        select(*_COLUMNS)
        .join(FindingRow, FindingRow.id == Sighting.finding_id)
        .where(Sighting.scan_id == scan_id)
        .order_by(Sighting.severity, Sighting.finding_id)
        .limit(limit + 1)
    )
    if severities is not None:
        query = query.where(Sighting.severity.in_(severities))
    if scanner is not None:
        query = query.where(FindingRow.scanner == scanner)
    if only_new:
        query = query.where(Sighting.is_new)
    if cursor is not None:
        query = query.where(tuple_(Sighting.severity, Sighting.finding_id) > tuple_(*_position(cursor)))
    found = [_seen(row) for row in (await session.execute(query)).mappings()]
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], encode_cursor(last.severity, str(last.id)) if last else None)


def _position(cursor: str) -> tuple[Severity, UUID]:
    severity, finding_id = decode_cursor(cursor, 2)
    try:
        return Severity(severity), UUID(finding_id)
    except ValueError as error:
        raise InvalidCursor("this is not a cursor of a list of findings") from error


def _seen(row: RowMapping) -> SeenFinding:
    location = row["location"]
    return SeenFinding(
        **dict(row)
        | {
            "location": Location(
                path=location.get("path", ""),
                start_line=location.get("startLine"),
                end_line=location.get("endLine"),
                host=location.get("host", ""),
                port=location.get("port"),
                protocol=location.get("protocol", ""),
                url=location.get("url", ""),
            )
        }
    )
