"""Counts for metrics that describe the whole ledger, read by one process every so often."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.findings import Severity
from secapi_core.ledger.states import FindingState


@dataclass(frozen=True, slots=True)
class FindingsGauge:
    """How many findings a namespace has of one severity and state."""

    namespace: str
    severity: Severity
    state: FindingState
    count: int


@dataclass(frozen=True, slots=True)
class OutboxGauge:
    """Messages that are due and not published, and how long the oldest has been due."""

    due: int
    oldest_age_seconds: float


_FINDINGS = text(
    "SELECT namespace, severity, state, count(*) AS number FROM findings GROUP BY namespace, severity, state"
)

_DEAD_LETTERS = text("""
    SELECT namespace, scanner, count(*) AS number FROM dead_letters WHERE replayed_at IS NULL GROUP BY 1, 2
""")

_OUTBOX = text("""
    SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(not_before)), 0) AS age
    FROM outbox WHERE not_before <= now()
""")

_DELIVERY_AGE = text("""
    SELECT coalesce(extract(epoch FROM now() - min(not_before)), 0) FROM deliveries
    WHERE state = 'pending' AND not_before <= now()
""")

# Who has not called for a month will not miss the key.
_EXPIRING_KEYS = text("""
    SELECT count(*) FROM api_keys
    WHERE revoked_at IS NULL AND expires_at BETWEEN now() AND now() + interval '7 days'
      AND last_used_at > now() - interval '30 days'
""")


async def findings_by_severity_and_state(session: AsyncSession) -> list[FindingsGauge]:
    """Every combination that occurs."""
    rows = await session.execute(_FINDINGS)
    return [FindingsGauge(row.namespace, Severity(row.severity), FindingState(row.state), row.number) for row in rows]


async def dead_letters(session: AsyncSession) -> dict[tuple[str, str], int]:
    """(namespace, scanner) → jobs that nobody has replayed or purged."""
    rows = await session.execute(_DEAD_LETTERS)
    return {(row.namespace, row.scanner): row.number for row in rows}


async def outbox(session: AsyncSession) -> OutboxGauge:
    """What the publisher still has to do."""
    row = (await session.execute(_OUTBOX)).one()
    return OutboxGauge(row.due, float(row.age))


async def expiring_api_keys(session: AsyncSession) -> int:
    """How many API keys in use expire within seven days."""
    return int((await session.execute(_EXPIRING_KEYS)).scalar_one())


async def delivery_age(session: AsyncSession) -> float:
    """Seconds for which the oldest event that is due to a webhook has waited."""
    return float((await session.execute(_DELIVERY_AGE)).scalar_one())
