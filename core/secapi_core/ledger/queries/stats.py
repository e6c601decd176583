"""How scans and findings developed day by day, and how things stand now. Days are UTC's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.findings import Severity
from secapi_core.ledger.states import TERMINAL_SCAN_STATES, FindingState


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityCounts:
    """Findings by severity."""

    critical: int
    high: int
    medium: int
    low: int
    info: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """Scans by what became of them; ``active`` ones have not ended."""

    active: int
    succeeded: int
    failed: int
    cancelled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Scans that were submitted on the day, and findings that were seen for the first time."""

    date: date
    scans: OutcomeCounts
    new_findings: SeverityCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is open now, and how long scans took from submission to success, in seconds."""

    active_scans: int
    dead_letters: int
    open_findings: SeverityCounts
    median_seconds: float | None
    p95_seconds: float | None


_OUTCOMES = ("active", *sorted(TERMINAL_SCAN_STATES))
# A comparison of a time with a date may not go to an index under row-level security: it is not marked as leakproof.
_SINCE = "CAST(current_date - (CAST(:days AS integer) - 1) AS timestamptz)"
_EVERYWHERE = "true"
_SOMEWHERE = "namespace = ANY (CAST(:namespaces AS text[]))"


def _counts(column: str, names: Sequence[str]) -> str:
    return ", ".join(f"count(*) FILTER (WHERE {column} = '{name}') AS {name}" for name in names)


def _days(where: str) -> TextClause:
    return text(f"""
        SELECT day, {_counts("kind", (*_OUTCOMES, *Severity))}
        FROM (
            SELECT CAST(created_at AS date) AS day,
                   CASE WHEN completed_at IS NULL THEN 'active' ELSE state END AS kind
            FROM scans WHERE created_at >= {_SINCE} AND {where}
            UNION ALL
            SELECT CAST(first_seen_at AS date), CAST(severity AS text)
            FROM findings WHERE first_seen_at >= {_SINCE} AND {where}
            UNION ALL
            SELECT CAST(day AS date), NULL FROM generate_series({_SINCE}, current_date, interval '1 day') AS day
        ) AS events
        GROUP BY day
        ORDER BY day
    """)  # noqa: S608 - joins constants


def _standing(where: str) -> TextClause:
    return text(f"""
        SELECT (SELECT count(*) FROM scans WHERE completed_at IS NULL AND {where}) AS active_scans,
               (SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL AND {where}) AS dead_letters,
               durations.*, findings.*
        FROM (
            SELECT {_counts("severity", tuple(Severity))}
            FROM findings WHERE state IN ('{FindingState.OPEN}', '{FindingState.CONFIRMED}') AND {where}
        ) AS findings, (
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_seconds
            FROM (
                SELECT CAST(extract(epoch FROM completed_at - created_at) AS double precision) AS seconds
                FROM scans WHERE created_at >= {_SINCE} AND state = 'succeeded' AND {where}
            ) AS succeeded
        ) AS durations
    """)  # noqa: S608 - joins constants


# Two of each, because a condition that a parameter may switch off gets no index.
_DAYS = {scoped: _days(_SOMEWHERE if scoped else _EVERYWHERE) for scoped in (True, False)}
_STANDING = {scoped: _standing(_SOMEWHERE if scoped else _EVERYWHERE) for scoped in (True, False)}


async def count_days(session: AsyncSession, namespaces: Collection[str] | None, days: int) -> list[Day]:
    """The last ``days`` days in order, today's as far as it has come; ``namespaces`` is ``None`` for all."""
    rows = await session.execute(_DAYS[namespaces is not None], _parameters(namespaces, days))
    return [Day(date=row["day"], scans=_outcomes(row), new_findings=_severities(row)) for row in rows.mappings()]


async def get_standing(session: AsyncSession, namespaces: Collection[str] | None, days: int) -> Standing:
    """How things stand; the durations are those of scans that were submitted within the last ``days`` days."""
    row = (await session.execute(_STANDING[namespaces is not None], _parameters(namespaces, days))).mappings().one()
    return Standing(
        active_scans=row["active_scans"],
        dead_letters=row["dead_letters"],
        open_findings=_severities(row),
        median_seconds=row["median_seconds"],
        p95_seconds=row["p95_seconds"],
    )


def _parameters(namespaces: Collection[str] | None, days: int) -> dict[str, object]:
    return {"days": days} if namespaces is None else {"days": days, "namespaces": list(namespaces)}


def _outcomes(row: RowMapping) -> OutcomeCounts:
    return OutcomeCounts(**{name: row[name] for name in _OUTCOMES})


def _severities(row: RowMapping) -> SeverityCounts:
    return SeverityCounts(**{severity: row[severity] for severity in Severity})
