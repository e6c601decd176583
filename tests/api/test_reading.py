"""Reading scans, jobs and findings: who sees what, filters, and pages that hold still."""

import base64
import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from api_harness import Api
from ledger_factories import claimed, execute, finish, make_findings, make_scan, planned_scan
from listed import ids
from secapi_core.findings import Severity
from secapi_core.ledger.types import NewScan

TARGETS = ["url:https://shop.example:443/a", "url:https://shop.example:443/b"]


@pytest.fixture
async def viewer(api: Api, tenant: str) -> httpx.AsyncClient:
    return await api.client("viewer", tenant)


async def seeded(api: Api, tenant: str, **plan: Any) -> NewScan:
    """A scan in the ledger as if it had been submitted and planned."""
    scan = make_scan(tenant)
    await planned_scan(api.owner, scan=scan, **plan)
    return scan


async def scanned(api: Api, tenant: str, findings: int = 5) -> NewScan:
    """A scan that found ``findings`` problems, the first of them critical and the others low."""
    scan = make_scan(tenant)
    database = api.owner
    (job,) = await planned_scan(database, scan=scan)
    found = make_findings([0], severity=Severity.CRITICAL) + make_findings(range(1, findings), severity=Severity.LOW)
    await finish(database, await claimed(database, job), found)
    return scan


async def test_a_scan_shows_its_request_and_its_outcome(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    scan = await scanned(api, tenant)
    shown = (await viewer.get(f"/v1/scans/{scan.id}")).json()
    assert (shown["id"], shown["phase"], shown["reason"]) == (str(scan.id), "Succeeded", None)
    assert shown["jobs"] == {"total": 1, "succeeded": 1, "failed": 0, "cancelled": 0}
    assert shown["findings"] == {"critical": 1, "high": 0, "medium": 0, "low": 4, "info": 0, "new": 5}
    assert shown["spec"] == scan.spec.to_wire()
    assert shown["submittedBy"] == "key:test"
    assert shown["links"]["findings"] == f"/v1/scans/{scan.id}/findings"
    assert shown["createdAt"] <= shown["startTime"] <= shown["completionTime"]


async def test_jobs_are_listed_in_the_order_of_the_plan(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    scan = await seeded(api, tenant, jobs=3)
    jobs = (await viewer.get(f"/v1/scans/{scan.id}/jobs")).json()["items"]
    assert [job["target"]["url"] for job in jobs] == [f"https://shop.example/{n}" for n in range(3)]
    assert {job["state"] for job in jobs} == {"queued"}


async def test_findings_come_worst_first(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    scan = await scanned(api, tenant)
    findings = (await viewer.get(f"/v1/scans/{scan.id}/findings")).json()["items"]
    assert [finding["severity"] for finding in findings] == ["critical", "low", "low", "low", "low"]
    assert findings[0]["location"]["path"] == "src/module_0.py"
    assert findings[0]["isNew"]


async def test_findings_are_filtered_by_severity_and_novelty(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    await scanned(api, tenant, findings=2)
    again = await scanned(api, tenant, findings=3)
    path = f"/v1/scans/{again.id}/findings"
    assert len(await ids(viewer, path, severity=["critical", "high"])) == 1
    assert len(await ids(viewer, path, severity=["critical", "low"])) == 3
    assert len(await ids(viewer, path, onlyNew=True)) == 1


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
async def test_pages_of_findings_together_are_the_whole_list_once(
    api: Api, viewer: httpx.AsyncClient, tenant: str, limit: int
) -> None:
    scan = await scanned(api, tenant, findings=5)
    found = await ids(viewer, f"/v1/scans/{scan.id}/findings", limit=limit)
    assert (len(found), len(set(found))) == (5, 5)


async def test_scans_are_listed_newest_first_without_their_request(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    first, second = await seeded(api, tenant), await seeded(api, tenant)
    page = (await viewer.get("/v1/scans")).json()
    assert [item["id"] for item in page["items"]] == [str(second.id), str(first.id)]
    assert page["nextCursor"] is None
    assert "spec" not in page["items"][0]


async def test_pages_hold_still_while_scans_are_added(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    before = [await seeded(api, tenant) for _ in range(4)]
    first = (await viewer.get("/v1/scans", params={"limit": 2})).json()
    await seeded(api, tenant)
    second = (await viewer.get("/v1/scans", params={"limit": 2, "cursor": first["nextCursor"]})).json()
    shown = [item["id"] for page in (first, second) for item in page["items"]]
    assert shown == [str(scan.id) for scan in reversed(before)]
    assert second["nextCursor"] is None


async def test_the_filters_of_the_list_hold_together(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    early = await seeded(api, tenant, target_keys=[TARGETS[0]], scanner="web")
    await execute(api.owner, "UPDATE scans SET created_at = '2020-01-01Z' WHERE id = :id", id=early.id)
    late = await seeded(api, tenant, target_keys=TARGETS, scanner="source")
    done = await scanned(api, tenant)
    expected: list[tuple[dict[str, Any], list[NewScan]]] = [
        ({"phase": "Succeeded"}, [done]),
        ({"phase": ["Queued", "Succeeded"]}, [done, late, early]),
        ({"scanner": "web"}, [early]),
        ({"target": TARGETS[0]}, [late, early]),
        ({"target": TARGETS[0], "scanner": "source"}, [late]),
        ({"since": "2021-01-01T00:00:00Z", "phase": "Queued"}, [late]),
        ({"namespace": tenant, "scanner": "nothing"}, []),
    ]
    for query, scans in expected:
        assert await ids(viewer, "/v1/scans", **query) == [str(scan.id) for scan in scans], query


async def test_a_list_shows_only_what_the_caller_may_see(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    mine, foreign = await seeded(api, tenant), await seeded(api, f"{tenant}-b")
    assert await ids(viewer, "/v1/scans") == [str(mine.id)]
    platform = await api.client("viewer", None)
    assert (await ids(platform, "/v1/scans"))[:2] == [str(foreign.id), str(mine.id)]
    assert await ids(platform, "/v1/scans", namespace=f"{tenant}-b") == [str(foreign.id)]


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


TAMPERED = [
    "x",
    "!!!!",
    "\u00e9",
    "A" * 512,
    cursor(),
    cursor("2026-01-01T00:00:00+00:00"),
    cursor("2026-01-01T00:00:00+00:00", "not a uuid"),
    cursor("yesterday", str(UUID(int=1))),
    cursor("99999-01-01", str(UUID(int=1))),
    cursor("critical", str(UUID(int=1)), "more"),
    cursor(1, 2),
    cursor("\x00", "\x00"),
    base64.urlsafe_b64encode(b"[" * 300).decode().rstrip("="),
]


@pytest.mark.parametrize("tampered", TAMPERED)
async def test_a_cursor_that_we_did_not_make_is_refused(
    api: Api, viewer: httpx.AsyncClient, tenant: str, tampered: str
) -> None:
    scan = await seeded(api, tenant)
    for path in ("/v1/scans", f"/v1/scans/{scan.id}/findings", "/v1/dead-letters"):
        answer = await viewer.get(path, params={"cursor": tampered})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor"), path


async def test_a_cursor_shows_nothing_that_its_user_may_not_see(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    await seeded(api, f"{tenant}-b")
    await seeded(api, f"{tenant}-b")
    platform = await api.client("viewer", None)
    foreign = (await platform.get("/v1/scans", params={"limit": 1})).json()["nextCursor"]
    assert (await viewer.get("/v1/scans", params={"cursor": foreign})).json()["items"] == []


async def test_the_catalogue_shows_what_can_be_asked_for(viewer: httpx.AsyncClient) -> None:
    scanners = {item["name"]: item for item in (await viewer.get("/v1/scanners")).json()["items"]}
    assert scanners["web"]["targetTypes"] == ["url"]
    assert scanners["web"]["parametersSchema"]["properties"]["depth"]["default"] == 2
    assert scanners["source"]["family"] == "sources"
