"""Pages of lists of a million scans and findings, first, last and deep inside: in the database alone, and over REST.

In the database is what planning and executing a page's statement takes, as EXPLAIN ANALYZE tells; sending the rows is
in the REST figures, which come from an API process of its own on this ledger.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import orjson

from secapi_core.findings import Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.findings import list_scan_findings
from secapi_core.ledger.queries.scans import ScanFilter, list_scans
from secapi_core.paging import encode_cursor
from secapi_core.settings import Settings
from secapi_dev.bench import ledger
from secapi_dev.bench.another_api import another_api
from secapi_dev.bench.databases import empty_database
from secapi_dev.bench.history import LARGE_SCAN, NAMESPACES, History, fill, finding_id, scan_id
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.ledger import Ledger
from secapi_dev.bench.load import Connection, drive, percentile_ms
from secapi_dev.bench.statements import Query, statement_of

PAGE = 50
SAMPLES = 300


@dataclass(frozen=True, slots=True)
class Read:
    """One page, as the ledger is asked for it and as a client asks for it."""

    query: Query
    path: str


async def measure(lab: Laboratory) -> Figures:
    """Median and 95th percentile of each kind of page, in milliseconds."""
    history, samples = History.scaled(lab.scale), lab.scaled(SAMPLES, least=20)
    figures: Figures = {"findings": history.findings, "scans": history.scans}
    async with empty_database(lab, "bench-reads") as url:
        await fill(url, history)
        for kind, read in KINDS.items():
            seconds = await explained(url, (read(history).query for _ in range(samples)))
            figures |= _percentiles(f"{kind}_database", seconds)
        async with another_api(lab, "api-reads", url) as another, another.clients() as [api]:
            for kind, read in KINDS.items():
                figures |= _percentiles(f"{kind}_rest", await _asked_for(api, partial(read, history), samples))
    return figures


def _of_a_scan(history: History) -> Read:
    """The findings of one scan, ten of a million."""
    return _findings(scan_id(random.randrange(history.seeing_scans)))  # noqa: S311 - to spread, as everywhere here


def _deep_in_the_findings(history: History) -> Read:
    """A page somewhere in the largest scan."""
    severity, finding = random.choice(list(Severity)), random.randrange(history.findings)  # noqa: S311
    return _findings(LARGE_SCAN, encode_cursor(severity, str(finding_id(finding))))


def _last_of_the_findings(history: History) -> Read:
    """The last page of the largest scan: of its findings, every fifth is of the mildest severity."""
    finding = finding_id(max(0, history.findings - PAGE * NAMESPACES * len(Severity)))
    return _findings(LARGE_SCAN, encode_cursor(Severity.INFO, str(finding)))


def _findings(scan: UUID, cursor: str | None = None) -> Read:
    return Read(
        lambda s: list_scan_findings(s, scan, cursor=cursor, limit=PAGE),
        f"/v1/scans/{scan}/findings?limit={PAGE}{_after(cursor)}",
    )


def _deep_in_the_scans(history: History) -> Read:
    """A page somewhere in the list of a namespace's scans."""
    return _scans(random.randrange(history.scans))  # noqa: S311


def _last_of_the_scans(history: History) -> Read:
    """The last page of a namespace's scans."""
    return _scans(history.scans - PAGE * NAMESPACES)


def _scans(age: int | None = None) -> Read:
    """The page that begins with scans of so many seconds."""
    namespace = f"team-{random.randrange(NAMESPACES)}"  # noqa: S311
    moment = None if age is None else datetime.now(UTC) - timedelta(seconds=age)
    cursor = None if moment is None else encode_cursor(moment.isoformat(), str(LARGE_SCAN))
    return Read(
        lambda s: list_scans(s, ScanFilter(namespaces=[namespace]), cursor, PAGE),
        f"/v1/scans?namespace={namespace}&limit={PAGE}{_after(cursor)}",
    )


def _after(cursor: str | None) -> str:
    return "" if cursor is None else f"&cursor={cursor}"


KINDS: dict[str, Callable[[History], Read]] = {
    "scan_findings": _of_a_scan,
    "findings_first_page": lambda _: _findings(LARGE_SCAN),
    "findings_page": _deep_in_the_findings,
    "findings_last_page": _last_of_the_findings,
    "scans_first_page": lambda _: _scans(),
    "scans_page": _deep_in_the_scans,
    "scans_last_page": _last_of_the_scans,
}


async def explained(url: str, queries: Iterable[Query]) -> list[float]:
    """Seconds that the server takes to plan and execute each query, as it says itself."""
    database = Database(Settings(database_url=url), application="secapi-bench")
    try:
        async with ledger.connected(url) as connection:
            return [await _explain(connection, *await statement_of(database, query)) for query in queries]
    finally:
        await database.close()


async def _explain(connection: Ledger, statement: str, parameters: Sequence[object]) -> float:
    explanation = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *parameters)
    (plan,) = orjson.loads(explanation)
    seconds: float = (plan["Planning Time"] + plan["Execution Time"]) / 1000
    return seconds


async def _asked_for(api: Connection, read: Callable[[], Read], samples: int) -> Sequence[float]:
    async def ask(api: Connection) -> None:
        await api.get(read().path)

    return (await drive([api], ask, count=samples)).latencies


def _percentiles(name: str, seconds: Sequence[float]) -> Figures:
    return {f"{name}_p50_ms": percentile_ms(seconds, 50), f"{name}_p95_ms": percentile_ms(seconds, 95)}
