"""POST /v1/scans/{scanId}/rerun: the same again, as a scan of its own."""

from typing import Any

import httpx
import pytest

from api_harness import Api, scan_body
from ledger_factories import make_scan, planned_scan
from scan_objects import impose, stored
from secapi_dev.controlplane.kubectl import Kubectl

SPEC: dict[str, Any] = {"priority": "bulk", "maxAttempts": 1, "gate": {"failOn": "low"}}


@pytest.fixture
async def original(operator: httpx.AsyncClient, namespace: str) -> dict[str, Any]:
    """A scan as GET shows it."""
    submitted = (await operator.post("/v1/scans", json=scan_body(namespace, spec=SPEC))).json()
    shown: dict[str, Any] = (await operator.get(submitted["links"]["self"])).json()
    return shown


async def rerun(client: httpx.AsyncClient, scan: dict[str, Any], key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(scan["links"]["rerun"], headers=headers)


async def test_a_rerun_is_a_new_scan_that_asks_for_the_same(
    operator: httpx.AsyncClient, kubectl: Kubectl, original: dict[str, Any], namespace: str
) -> None:
    answer = await rerun(operator, original)
    submitted = answer.json()
    assert (answer.status_code, submitted["rerunOf"]) == (202, original["id"])
    assert submitted["id"] != original["id"]
    shown = (await operator.get(answer.headers["Location"])).json()
    assert (shown["id"], shown["spec"], shown["phase"]) == (submitted["id"], original["spec"], "Pending")
    assert {request["metadata"]["uid"] for request in await stored(kubectl, namespace)} == {
        original["id"],
        submitted["id"],
    }
    assert (await operator.get(original["links"]["self"])).json() == original


async def test_without_a_key_every_rerun_is_another_scan(operator: httpx.AsyncClient, original: dict[str, Any]) -> None:
    assert len({(await rerun(operator, original)).json()["id"] for _ in range(2)}) == 2


async def test_the_same_key_gives_the_same_rerun(operator: httpx.AsyncClient, original: dict[str, Any]) -> None:
    first, again = [await rerun(operator, original, "weekly") for _ in range(2)]
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()


async def test_a_key_that_came_with_another_scan_is_refused(
    operator: httpx.AsyncClient, original: dict[str, Any], namespace: str
) -> None:
    twin = (await operator.post("/v1/scans", json=scan_body(namespace, spec=SPEC))).json()
    await rerun(operator, original, "weekly")
    refused = await rerun(operator, twin, "weekly")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:secapi:problem:idempotency-key-reused")


async def test_a_cancelled_scan_is_run_again_without_its_cancellation(api: Api, namespace: str) -> None:
    scan = make_scan(namespace, scanners=[{"name": "web"}], cancel=True)
    await planned_scan(api.owner, scan=scan)
    operator = await api.client("operator", namespace)
    answer = await operator.post(f"/v1/scans/{scan.id}/rerun")
    assert (await operator.get(answer.headers["Location"])).json()["spec"]["cancel"] is False


async def test_todays_rules_hold_for_a_rerun(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, original: dict[str, Any], namespace: str
) -> None:
    await impose(api, kubectl, namespace, scanners=["source"])
    refused = await rerun(operator, original)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:secapi:problem:scanner-forbidden")
    assert len(await stored(kubectl, namespace)) == 1


async def test_a_rerun_is_recorded_once_with_what_it_repeats(
    api: Api, operator: httpx.AsyncClient, original: dict[str, Any], namespace: str
) -> None:
    for _ in range(2):
        submitted = (await rerun(operator, original, "weekly")).json()
    admin = await api.client("admin", namespace)
    query = {"namespace": namespace, "action": "rerunScan"}
    (event,) = (await admin.get("/v1/audit-events", params=query)).json()["items"]
    assert (event["kind"], event["subject"]) == ("scan", submitted["id"])
    assert event["after"] == {"name": submitted["name"], "spec": original["spec"], "rerunOf": original["id"]}
