"""Every change leaves an event that says who did what, and nobody can change or remove it."""

from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from api_harness import Api, scan_body
from ledger_factories import execute
from listed import pages


async def events(api: Api, namespace: str, **query: str) -> list[dict[str, Any]]:
    admin = await api.client("admin", namespace)
    found: list[dict[str, Any]] = (
        await admin.get("/v1/audit-events", params={"namespace": namespace, **query})
    ).json()["items"]
    return found


async def test_a_scans_life_is_recorded_with_who_and_in_which_request(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    body = scan_body(namespace)
    scan = (await operator.post("/v1/scans", json=body, headers={"X-Request-ID": "creating-it"})).json()
    await operator.post(f"/v1/scans/{scan['id']}/cancel", headers={"X-Request-ID": "cancelling-it"})
    await operator.delete(f"/v1/scans/{scan['id']}", headers={"X-Request-ID": "deleting-it"})
    deleted, cancelled, created = await events(api, namespace)
    assert [event["action"] for event in (created, cancelled, deleted)] == ["createScan", "cancelScan", "deleteScan"]
    assert [event["requestId"] for event in (created, cancelled, deleted)] == [
        "creating-it",
        "cancelling-it",
        "deleting-it",
    ]
    assert {event["subject"] for event in (created, cancelled, deleted)} == {scan["id"]}
    assert created["actor"].startswith("key:")
    assert created["actorName"] == "operator key"
    assert created["before"] is None
    assert created["after"]["spec"]["targets"] == body["spec"]["targets"]
    assert (cancelled["before"]["phase"], cancelled["after"]["phase"]) == ("Pending", "Cancelled")
    assert (deleted["before"]["phase"], deleted["after"]) == ("Cancelled", None)


async def test_a_repeated_submission_is_one_event(api: Api, operator: httpx.AsyncClient, namespace: str) -> None:
    for _ in range(2):
        await operator.post("/v1/scans", json=scan_body(namespace), headers={"Idempotency-Key": "once"})
    assert [event["action"] for event in await events(api, namespace)] == ["createScan"]


async def test_a_refused_request_is_no_event(api: Api, operator: httpx.AsyncClient, namespace: str) -> None:
    refused = await operator.post("/v1/scans", json=scan_body(namespace, spec={"scanners": [{"name": "nope"}]}))
    assert refused.status_code == 422
    assert await events(api, namespace) == []


async def test_an_upload_is_recorded(api: Api, operator: httpx.AsyncClient, namespace: str) -> None:
    artifact = (await operator.post("/v1/artifacts", content=b"archive")).json()
    (event,) = await events(api, namespace, action="uploadArtifact")
    assert (event["subject"], event["after"]["size"]) == (artifact["digest"], 7)


async def test_the_trail_comes_in_pages_newest_first(api: Api, operator: httpx.AsyncClient, namespace: str) -> None:
    scans = [(await operator.post("/v1/scans", json=scan_body(namespace))).json()["id"] for _ in range(3)]
    admin = await api.client("admin", namespace)
    seen = await pages(admin, "/v1/audit-events", namespace=namespace, limit=2)
    assert [event["subject"] for page in seen for event in page] == scans[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [({"action": "createScan"}, 1), ({"action": "deleteScan"}, 0), ({"since": "2100-01-01T00:00:00Z"}, 0)],
)
async def test_events_are_found_by_what_they_say(
    api: Api, operator: httpx.AsyncClient, namespace: str, query: dict[str, str], expected: int
) -> None:
    await operator.post("/v1/scans", json=scan_body(namespace))
    assert len(await events(api, namespace, **query)) == expected


async def test_the_platforms_admin_sees_all_namespaces(api: Api, operator: httpx.AsyncClient, namespace: str) -> None:
    scan = (await operator.post("/v1/scans", json=scan_body(namespace))).json()["id"]
    platform = await api.client("admin", None)
    (event,) = (await platform.get("/v1/audit-events", params={"subject": scan})).json()["items"]
    assert event["namespace"] == namespace
    own = await api.client("admin", namespace)
    assert (await own.get("/v1/audit-events")).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_events SET actor = 'somebody else' WHERE namespace = :tenant",
        "DELETE FROM audit_events WHERE namespace = :tenant",
        "TRUNCATE audit_events",
    ],
)
async def test_the_database_refuses_to_change_the_past(api: Api, tenant: str, change: str) -> None:
    parameters = {"tenant": tenant} if ":tenant" in change else {}
    with pytest.raises(DBAPIError, match="audit_events is append-only"):
        await execute(api.owner, change, **parameters)
