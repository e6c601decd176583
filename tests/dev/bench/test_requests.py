"""What loads are made of, and how queries are counted."""

from collections.abc import AsyncIterator

import pytest

from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.stats import count_days, get_standing
from secapi_core.settings import Settings
from secapi_dev.bench import endurance, mixed
from secapi_dev.bench.history import STEP, History, fill
from secapi_dev.bench.stampede import reads_of
from secapi_dev.servers.postgres import PostgresServer
from waiting import until


@pytest.fixture
async def url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    url = await postgres_server.clone_database("template", "bench_requests")
    await fill(url, History(STEP, STEP))
    yield url
    await postgres_server.drop_database("bench_requests")


async def test_each_query_for_statistics_is_counted_once(url: str) -> None:
    before = await reads_of(url)
    database = Database(Settings(database_url=url), application="tests")
    for _ in range(3):
        async with database.transaction() as session:
            await count_days(session, None, 30)
            await get_standing(session, None, 30)
    await database.close()

    async def counted() -> bool:
        return await reads_of(url) == before + 3

    await until(counted)


@pytest.mark.parametrize("scale", [0.001, 0.0137, 1.0])
def test_a_part_of_the_history_keeps_scans_and_their_findings_in_one_namespace(scale: float) -> None:
    history = History.scaled(scale)
    assert history.findings == history.scans == max(STEP, round(1_000_000 * scale / STEP) * STEP)
    assert history.seeing_scans % 20 == 0


@pytest.mark.parametrize("requests", [mixed.REQUESTS, endurance.PATHS])
def test_shares_are_of_a_hundred(requests: dict[str, int]) -> None:
    assert sum(requests.values()) == 100
