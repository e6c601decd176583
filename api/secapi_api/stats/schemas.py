"""Answer and parameters of ``/v1/stats``."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from secapi_api.schemas import Namespace, Schema
from secapi_core.ledger.queries import stats as ledger

EXAMPLE: dict[str, Any] = {
    "days": [
        {
            "date": "2026-11-26",
            "scans": {"active": 2, "succeeded": 41, "failed": 1, "cancelled": 0},
            "newFindings": {"critical": 0, "high": 3, "medium": 12, "low": 7, "info": 20},
        }
    ],
    "activeScans": 2,
    "deadLetters": 1,
    "openFindings": {"critical": 1, "high": 14, "medium": 96, "low": 210, "info": 873},
    "scanSeconds": {"median": 38.2, "p95": 412.7},
}


class SeverityCounts(Schema):
    """Findings by severity."""

    critical: int
    high: int
    medium: int
    low: int
    info: int


class OutcomeCounts(Schema):
    """Scans by what became of them; ``active`` ones have not ended."""

    active: int
    succeeded: int
    failed: int
    cancelled: int


class DayStats(Schema):
    """One day, in UTC."""

    date: date
    scans: OutcomeCounts
    """Scans that were submitted on this day, deleted ones too."""

    new_findings: SeverityCounts
    """Findings that were seen for the first time."""


class ScanSeconds(Schema):
    """Seconds from submission to success; null where no scan of these days has succeeded."""

    median: float | None
    p95: float | None


class Stats(Schema):
    """Trends day by day, and how things stand now."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    days: list[DayStats]
    """In order, today's as far as it has come; days on which nothing happened are there too."""

    active_scans: int
    """Scans that have not ended, whenever they were submitted."""

    dead_letters: int
    """Jobs out of attempts that nobody has replayed or purged."""

    open_findings: SeverityCounts
    """Findings that are open or confirmed, whenever they were seen."""

    scan_seconds: ScanSeconds

    @classmethod
    def of(cls, days: Sequence[ledger.Day], standing: ledger.Standing) -> "Stats":
        """From the ledger."""
        return cls(
            days=[DayStats(**asdict(day)) for day in days],
            active_scans=standing.active_scans,
            dead_letters=standing.dead_letters,
            open_findings=SeverityCounts(**asdict(standing.open_findings)),
            scan_seconds=ScanSeconds(median=standing.median_seconds, p95=standing.p95_seconds),
        )


class StatsQuery(Schema):
    """Of which namespace, and of how many days."""

    namespace: Namespace | None = None
    days: Annotated[int, Field(ge=1, le=90)] = 30
    """Counted back from today, which is the last of them."""
