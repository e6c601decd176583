"""The history that long lists are read from, and how their statements are timed."""

from collections.abc import AsyncIterator

import httpx
import pytest

from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.findings import list_scan_findings
from secapi_core.ledger.queries.scans import ScanFilter, get_scan, list_scans
from secapi_core.paging import Page
from secapi_core.settings import Settings
from secapi_dev.bench import ledger
from secapi_dev.bench.history import LARGE_SCAN, NAMESPACES, History, fill, scan_id
from secapi_dev.bench.plain_asgi import PlainApp, opened_pool
from secapi_dev.bench.reads import KINDS, explained
from secapi_dev.bench.statements import statement_of
from secapi_dev.servers.postgres import PostgresServer

FINDINGS, SCANS = 2_000, 400
HISTORY = History(FINDINGS, SCANS)


@pytest.fixture(scope="module")
async def history(postgres_server: PostgresServer) -> AsyncIterator[str]:
    url = await postgres_server.clone_database("template", "bench_history")
    await fill(url, HISTORY)
    yield url
    await postgres_server.drop_database("bench_history")


@pytest.fixture
async def database(history: str) -> AsyncIterator[Database]:
    made = Database(Settings(database_url=history), application="tests")
    yield made
    await made.close()


async def test_new_scans_saw_ten_findings_of_their_namespace_each_and_one_scan_all(database: Database) -> None:
    async with database.transaction() as session:
        for scan, expected in ((scan_id(0), 10), (scan_id(199), 10), (LARGE_SCAN, FINDINGS // NAMESPACES)):
            page = await list_scan_findings(session, scan, limit=200)
            assert len(page.items) == expected
            assert len({finding.severity for finding in page.items}) == 5
        assert (await list_scan_findings(session, scan_id(200), limit=200)).items == []
        assert len((await list_scans(session, ScanFilter(namespaces=["team-3"]), None, 200)).items) == 20


async def test_a_scan_sees_findings_of_its_own_namespace_only(history: str) -> None:
    async with ledger.connected(history) as connection:
        foreign = """
            SELECT count(*) FROM sightings
            JOIN scans ON scans.id = scan_id JOIN findings ON findings.id = finding_id
            WHERE scans.namespace <> findings.namespace
        """
        assert await connection.fetchval(foreign) == 0
        sightings = await connection.fetchval("SELECT count(*) FROM sightings")
    assert sightings == FINDINGS + FINDINGS // NAMESPACES


async def test_every_kind_of_page_is_timed_by_the_server(history: str) -> None:
    seconds = await explained(history, [read(HISTORY).query for read in KINDS.values()])
    assert len(seconds) == len(KINDS)
    assert all(0 < each < 5 for each in seconds)


@pytest.mark.parametrize("kind", ["findings_last_page", "scans_last_page"])
async def test_last_pages_are_the_last(database: Database, kind: str) -> None:
    async with database.transaction() as session:
        page = await KINDS[kind](HISTORY).query(session)
    assert isinstance(page, Page)
    assert page.items
    assert page.next_cursor is None


async def test_a_caught_statement_is_not_sent(database: Database, history: str) -> None:
    statement, parameters = await statement_of(database, lambda session: get_scan(session, scan_id(7)))
    assert list(parameters) == [scan_id(7), None]
    async with ledger.connected(history) as connection:
        row = await connection.fetchrow(statement, *parameters)
        assert row is not None
        assert row["name"] == "scan-7"
        sent = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE '%FROM scans%id = $1%'"
        )
    assert sent == 1  # this connection's own


async def test_the_plain_server_answers_with_the_row(database: Database, history: str) -> None:
    statement, _ = await statement_of(database, lambda session: get_scan(session, LARGE_SCAN))
    async with opened_pool(history, 1) as pool:
        transport = httpx.ASGITransport(PlainApp(pool, statement))
        async with httpx.AsyncClient(transport=transport, base_url="http://plain") as client:
            found = await client.get(f"/v1/scans/{scan_id(5)}")
            posted = await client.post("/v1/scans", content=b"{}")
            missing = await client.get(f"/v1/scans/{scan_id(FINDINGS)}")
    assert found.status_code == 200
    assert found.json()["id"] == str(scan_id(5))
    assert found.json()["spec"]["scanners"] == [{"name": "bandit"}]
    assert missing.status_code == 404
    assert posted.status_code == 202
