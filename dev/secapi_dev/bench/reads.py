"""Pages of long lists at a million findings, deep inside: in the database alone, and as a client gets them over REST.

In the database is what planning and executing a page's statement takes, as EXPLAIN ANALYZE tells; sending the rows is
in the REST figures, which come from an API process of its own on this ledger.
"""

import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from secapi_core.findings import Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.findings import list_scan_findings
from secapi_core.ledger.queries.scans import ScanFilter, list_scans
from secapi_core.paging import encode_cursor
from secapi_core.settings import Settings
from secapi_dev.bench import ledger
from secapi_dev.bench.databases import empty_database
from secapi_dev.bench.history import FINDINGS, LARGE_SCAN, NAMESPACES, fill, finding_id, scan_id
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.ledger import Ledger
from secapi_dev.bench.load import Connection, connected, drive, percentile_ms
from secapi_dev.bench.statements import Query, statement_of
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import running
from secapi_dev.servers.api_keys import create_admin_key

PAGE = 50
SAMPLES = 300


@dataclass(frozen=True, slots=True)
class Read:
    """One page, as the ledger is asked for it and as a client asks for it."""

    query: Query
    path: str


async def measure(lab: Laboratory) -> Figures:
    """Median and 95th percentile of each kind of page, in milliseconds."""
    figures: Figures = {"findings": FINDINGS}
    async with empty_database(lab, "bench-reads") as url:
        await fill(url)
        for kind, read in KINDS.items():
            seconds = await explained(url, (read().query for _ in range(SAMPLES)))
            figures |= _percentiles(f"{kind}_database", seconds)
        async with _api(lab, url) as api:
            for kind, read in KINDS.items():
                figures |= _percentiles(f"{kind}_rest", await _asked_for(api, read))
    return figures


def _first_of_a_scan() -> Read:
    """The findings of one scan, ten of a million."""
    scan = scan_id(random.randrange(FINDINGS // 10))  # noqa: S311 - to spread, as everywhere here
    return Read(lambda s: list_scan_findings(s, scan, limit=PAGE), f"/v1/scans/{scan}/findings?limit={PAGE}")


def _deep_in_a_scan() -> Read:
    """A page somewhere in the largest scan."""
    severity, finding = random.choice(list(Severity)), finding_id(random.randrange(FINDINGS))  # noqa: S311
    cursor = encode_cursor(severity, str(finding))
    return Read(
        lambda s: list_scan_findings(s, LARGE_SCAN, cursor=cursor, limit=PAGE),
        f"/v1/scans/{LARGE_SCAN}/findings?limit={PAGE}&cursor={cursor}",
    )


def _deep_in_the_scans() -> Read:
    """A page somewhere in the list of a namespace's scans."""
    namespace = f"team-{random.randrange(NAMESPACES)}"  # noqa: S311
    moment = datetime.now(UTC) - timedelta(seconds=random.randrange(FINDINGS // 10))  # noqa: S311
    cursor = encode_cursor(moment.isoformat(), str(LARGE_SCAN))
    return Read(
        lambda s: list_scans(s, ScanFilter(namespaces=[namespace]), cursor, PAGE),
        f"/v1/scans?namespace={namespace}&limit={PAGE}&cursor={cursor}",
    )


KINDS: dict[str, Callable[[], Read]] = {
    "scan_findings": _first_of_a_scan,
    "findings_page": _deep_in_a_scan,
    "scans_page": _deep_in_the_scans,
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


async def _asked_for(api: Connection, read: Callable[[], Read]) -> Sequence[float]:
    async def ask(api: Connection) -> None:
        await api.get(read().path)

    return (await drive([api], ask, count=SAMPLES)).latencies


@asynccontextmanager
async def _api(lab: Laboratory, url: str) -> AsyncIterator[Connection]:
    """A client of another API like the stack's, on the ledger at ``url``."""
    with closing(Ports()) as ports:
        address = f"http://127.0.0.1:{(port := ports.reserve())}"
        described = lab.components.api
        api_key = await create_admin_key(url, described.env["SECAPI_API_KEY_PEPPER"])
        component = replace(
            described,
            name="api-reads",
            env={**described.env, "SECAPI_DATABASE_URL": url, "SECAPI_API_PORT": str(port)},
            ready=http_ok(f"{address}/readyz"),
        )
        async with running(component, lab.state), connected(address, api_key=api_key) as [api]:
            yield api


def _percentiles(name: str, seconds: Sequence[float]) -> Figures:
    return {f"{name}_p50_ms": percentile_ms(seconds, 50), f"{name}_p95_ms": percentile_ms(seconds, 95)}
