"""One scan as REST shows it: what Redis has kept of it, else what the ledger has (docs/decisions/0019).

Whichever it comes from, it is shown only to who may see its namespace; a caller can tell nothing of another's scan from
one that does not exist.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import NotFound
from secapi_api.ledger import typed_errors
from secapi_api.metrics import CACHE_READS
from secapi_core.ledger.queries.summaries import SummaryReader
from secapi_core.scan_summaries import ScanSummaries
from secapi_core.shared_memory import RedisAway

Summary = Mapping[str, Any]
"""A row of ``scans`` as JSON."""

_SEVERITIES = ("critical", "high", "medium", "low", "info", "new")
_LINKS = ("jobs", "findings", "artifacts", "events", "cancel", "rerun")


FRESH_SECONDS = 1.0
"""What took longer to read is not kept: what was newer may have come and ended meanwhile."""


class Outcome(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    UNKNOWN = "unknown"
    """That there is none was known."""

    MADE = "made"
    AWAY = "away"


class ScanReads:
    """One process's reads of single scans."""

    def __init__(self, summaries: ScanSummaries, reader: SummaryReader) -> None:
        """Ask ``summaries`` first."""
        self._summaries = summaries
        self._reader = reader

    async def shown(self, scan_id: UUID, caller: Caller) -> bytes:
        """The scan as JSON, if the caller may know of it. Raises NotFound, LedgerUnavailable."""
        outcome, summary = await self._find(scan_id, caller.namespaces)
        CACHE_READS.labels("scan", outcome).inc()
        if summary is None:
            raise NotFound(f"there is no scan {scan_id}")
        caller.require(Role.VIEWER, summary["namespace"])
        return scan_json(summary)

    async def _find(self, scan_id: UUID, namespaces: list[str] | None) -> tuple[Outcome, Summary | None]:
        try:
            kept = await self._summaries.get(scan_id, namespaces)
        except RedisAway:
            return Outcome.AWAY, _parsed(await self._read(scan_id, namespaces))
        if kept.summary is not None:
            deleted = kept.summary["deleted_at"] is not None
            visible = namespaces is None or kept.summary["namespace"] in namespaces
            return Outcome.HIT, kept.summary if visible and not deleted else None
        if kept.unknown:
            return Outcome.UNKNOWN, None
        asked = time.monotonic()
        found = await self._read(scan_id, namespaces)
        if time.monotonic() - asked < FRESH_SECONDS:
            if found is None:
                await self._summaries.put_unknown(scan_id, namespaces)
            else:
                await self._summaries.put([found])
        return Outcome.MADE, _parsed(found)

    async def _read(self, scan_id: UUID, namespaces: list[str] | None) -> str | None:
        with typed_errors():
            return await self._reader.read(scan_id, namespaces)


def scan_json(summary: Summary) -> bytes:
    """What ``schemas.Scan`` is as JSON, made without it: a test compares them."""
    path = f"/v1/scans/{summary['id']}"
    return orjson.dumps(
        {
            "id": summary["id"],
            "namespace": summary["namespace"],
            "name": summary["name"],
            "phase": summary["state"].capitalize(),
            "priority": summary["priority"],
            "reason": summary["reason"],
            "message": summary["message"],
            "jobs": {
                "total": summary["jobs_total"],
                "succeeded": summary["jobs_succeeded"],
                "failed": summary["jobs_failed"],
                "cancelled": summary["jobs_cancelled"],
            },
            "findings": {name: summary[f"findings_{name}"] for name in _SEVERITIES},
            "gatePassed": summary["gate_passed"],
            "createdAt": _moment(summary["created_at"]),
            "startTime": _moment(summary["started_at"]),
            "completionTime": _moment(summary["completed_at"]),
            "spec": summary["spec"],
            "submittedBy": summary["submitted_by"],
            "links": {"self": path} | {name: f"{path}/{name}" for name in _LINKS},
        },
        option=orjson.OPT_UTC_Z,
    )


def _moment(text: str | None) -> datetime | None:
    """Postgres writes as few digits as it can, REST always the same."""
    return None if text is None else datetime.fromisoformat(text)


def _parsed(summary: str | None) -> Summary | None:
    return None if summary is None else orjson.loads(summary)
