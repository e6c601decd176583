"""Requests that are cancelled at any moment of their way: no connection to the database stays taken.

The application runs in the client's own task here, so a cancellation strikes it wherever it waits.
"""

import asyncio

import httpx
import pytest

from api_harness import Api
from ledger_factories import make_scan, planned_scan
from waiting import until

AT_ONCE = 50


@pytest.mark.timeout(300)
@pytest.mark.parametrize("requests", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
async def test_the_pool_is_idle_after_many_cancelled_requests(api: Api, tenant: str, requests: int) -> None:
    scan = make_scan(tenant)
    await planned_scan(api.owner, scan=scan)
    client = await api.client("operator", tenant)
    paths = ["/v1/scans", f"/v1/scans/{scan.id}", f"/v1/scans/{scan.id}/findings", "/v1/artifacts", "/v1/stats"]

    async def cancelled(number: int) -> bool:
        """Whether the request was still under way when it was cancelled, some milliseconds after it began."""
        path = paths[number % len(paths)]
        method = "POST" if path == "/v1/artifacts" and number % 2 else "GET"
        asking = asyncio.create_task(client.request(method, path, content=b"archive" if method == "POST" else None))
        await asyncio.sleep(number * 7 % AT_ONCE / 1_000)
        return asking.cancel()

    gone = 0
    for first in range(0, requests, AT_ONCE):
        gone += sum(await asyncio.gather(*map(cancelled, range(first, first + AT_ONCE))))
    assert gone > requests / 2

    pool = api.resources.ledger.database.engine.sync_engine.pool
    await until(lambda: pool.status().endswith("Current Checked out connections: 0"))
    answers = await asyncio.gather(*(client.get("/v1/scans") for _ in range(api.settings.database_pool_size)))
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}
