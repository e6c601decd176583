"""GET /v1/stats: what a caller is told of how scans and findings develop."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api_harness import Api
from ledger_factories import claimed, dead_letter, execute, finish, make_findings, make_scan, planned_scan
from secapi_core.findings import Severity

NO_FINDINGS = {"critical": 0, "high": 0, "medium": 0, "low": 0, "info": 0}


@pytest.fixture
async def viewer(api: Api, tenant: str) -> httpx.AsyncClient:
    return await api.client("viewer", tenant)


async def scanned(api: Api, tenant: str) -> None:
    """A scan that took ten seconds and found two problems."""
    database, scan = api.owner, make_scan(tenant)
    (job,) = await planned_scan(database, scan=scan)
    await finish(database, await claimed(database, job), make_findings(range(2), severity=Severity.LOW))
    await execute(
        database, "UPDATE scans SET completed_at = created_at + interval '10 seconds' WHERE id = :id", id=scan.id
    )


async def stats(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/stats", params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_namespace_without_a_history_has_thirty_empty_days(viewer: httpx.AsyncClient) -> None:
    told = await stats(viewer)
    days = [date.fromisoformat(day["date"]) for day in told["days"]]
    assert days == [days[-1] - timedelta(days=ago) for ago in reversed(range(30))]
    assert all(day["newFindings"] == NO_FINDINGS and not any(day["scans"].values()) for day in told["days"])
    assert (told["activeScans"], told["deadLetters"], told["openFindings"]) == (0, 0, NO_FINDINGS)
    assert told["scanSeconds"] == {"median": None, "p95": None}


async def test_what_happened_today_is_on_the_last_day(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    await scanned(api, tenant)
    await dead_letter(api.owner, scan=make_scan(tenant))
    await planned_scan(api.owner, scan=make_scan(tenant))
    told = await stats(viewer, namespace=tenant, days=1)
    (today,) = told["days"]
    assert today["scans"] == {"active": 1, "succeeded": 1, "failed": 1, "cancelled": 0}
    assert today["newFindings"] == told["openFindings"] == NO_FINDINGS | {"low": 2}
    assert (told["activeScans"], told["deadLetters"]) == (1, 1)
    assert told["scanSeconds"] == {"median": 10, "p95": 10}


async def test_who_may_see_the_same_is_told_the_same_for_some_seconds(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    before = await stats(viewer)
    await scanned(api, tenant)
    assert await stats(await api.client("operator", tenant)) == before
    assert (await stats(viewer, days=7))["openFindings"]["low"] == 2


async def test_a_caller_is_told_of_its_own_namespaces_only(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    await scanned(api, tenant)
    platform = await api.client("viewer", None)
    before = (await stats(platform))["openFindings"]["low"]
    await scanned(api, f"{tenant}-b")
    assert (await stats(viewer))["openFindings"]["low"] == 2
    assert (await stats(platform, namespace=f"{tenant}-b"))["openFindings"]["low"] == 2
    # Of other days, or it would be what is kept of the moment before.
    assert (await stats(platform, days=29))["openFindings"]["low"] == before + 2


@pytest.mark.parametrize("days", ["0", "91", "week"])
async def test_the_days_are_bounded(viewer: httpx.AsyncClient, days: str) -> None:
    answer = await viewer.get("/v1/stats", params={"days": days})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/days")
