"""Cancelling and deleting scans: in the ledger and in Kubernetes, any number of times."""

from uuid import UUID

import httpx
import pytest

from api_harness import Api, scan_body
from ledger_factories import claimed, execute, planned_scan
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.ledger.transitions.cancel import cancel_job
from secapi_core.ledger.types import NewScan
from secapi_dev.controlplane.kubectl import Kubectl


@pytest.fixture
async def submitted(operator: httpx.AsyncClient, namespace: str) -> NewScan:
    """A scan as POST leaves it: its ScanRequest exists, the operator has not looked at it."""
    body = scan_body(namespace)
    answer = (await operator.post("/v1/scans", json=body)).json()
    return NewScan(UUID(answer["id"]), namespace, answer["name"], ScanRequestSpec.model_validate(body["spec"]), None)


async def cancel_flag(kubectl: Kubectl, scan: NewScan) -> str:
    return await kubectl("get", "scanrequest", scan.name, "-n", scan.namespace, "-o", "jsonpath={.spec.cancel}")


async def exists(kubectl: Kubectl, scan: NewScan) -> bool:
    return scan.name in await kubectl("get", "scanrequests", "-n", scan.namespace, "-o", "name")


async def run(api: Api, scan: NewScan) -> None:
    """Plan the scan and let a worker claim its job."""
    database = api.owner
    (job,) = await planned_scan(database, scan=scan)
    await claimed(database, job)


async def test_a_pending_scan_is_cancelled_at_once(
    operator: httpx.AsyncClient, kubectl: Kubectl, submitted: NewScan
) -> None:
    answer = await operator.post(f"/v1/scans/{submitted.id}/cancel")
    assert (answer.status_code, answer.json()["phase"], answer.json()["reason"]) == (202, "Cancelled", "Cancelled")
    assert "operator key" in answer.json()["message"]
    assert await cancel_flag(kubectl, submitted) == "true"


async def test_a_running_scan_is_asked_to_stop(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, submitted: NewScan
) -> None:
    await run(api, submitted)
    answer = await operator.post(f"/v1/scans/{submitted.id}/cancel")
    assert (answer.status_code, answer.json()["phase"]) == (202, "Running")
    assert await cancel_flag(kubectl, submitted) == "true"


async def test_cancelling_again_changes_nothing(operator: httpx.AsyncClient, submitted: NewScan) -> None:
    first = await operator.post(f"/v1/scans/{submitted.id}/cancel")
    again = await operator.post(f"/v1/scans/{submitted.id}/cancel")
    assert again.json() == first.json()


async def test_a_scan_that_has_ended_stays_as_it_is(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, submitted: NewScan
) -> None:
    await execute(
        api.owner,
        "UPDATE scans SET state = 'succeeded', completed_at = now() WHERE id = :id",
        id=submitted.id,
    )
    answer = await operator.post(f"/v1/scans/{submitted.id}/cancel")
    assert (answer.status_code, answer.json()["phase"]) == (202, "Succeeded")
    assert await cancel_flag(kubectl, submitted) != "true"


async def test_a_scan_whose_request_is_gone_can_be_cancelled(
    operator: httpx.AsyncClient, kubectl: Kubectl, submitted: NewScan
) -> None:
    await kubectl("delete", "scanrequest", submitted.name, "-n", submitted.namespace)
    assert (await operator.post(f"/v1/scans/{submitted.id}/cancel")).json()["phase"] == "Cancelled"


async def test_a_deleted_scan_is_gone_from_kubernetes_and_from_view(
    operator: httpx.AsyncClient, kubectl: Kubectl, submitted: NewScan
) -> None:
    assert (await operator.delete(f"/v1/scans/{submitted.id}")).status_code == 204
    assert not await exists(kubectl, submitted)
    assert (await operator.get(f"/v1/scans/{submitted.id}")).status_code == 404
    assert (await operator.get("/v1/scans")).json()["items"] == []
    assert (await operator.delete(f"/v1/scans/{submitted.id}")).status_code == 404


async def test_a_running_scan_is_stopped_first_and_deleted_once_it_has_ended(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, submitted: NewScan
) -> None:
    database = api.owner
    (job,) = await planned_scan(database, scan=submitted)
    owned = await claimed(database, job)
    answer = await operator.delete(f"/v1/scans/{submitted.id}")
    assert (answer.status_code, answer.json()["phase"]) == (202, "Running")
    assert not await exists(kubectl, submitted)
    async with database.transaction() as session:
        await cancel_job(session, owned.id, owned.attempt)
    ended = (await operator.get(f"/v1/scans/{submitted.id}")).json()
    assert (ended["phase"], ended["reason"]) == ("Cancelled", "RequestDeleted")
    assert (await operator.delete(f"/v1/scans/{submitted.id}")).status_code == 204


async def test_a_namesake_made_since_is_left_alone(
    operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    first = (await operator.post("/v1/scans", json=scan_body(namespace, name="nightly"))).json()
    await kubectl("delete", "scanrequest", "nightly", "-n", namespace)
    second = (await operator.post("/v1/scans", json=scan_body(namespace, name="nightly"))).json()
    assert (await operator.post(f"/v1/scans/{first['id']}/cancel")).status_code == 202
    assert (await operator.delete(f"/v1/scans/{first['id']}")).status_code == 204
    assert "scanrequest.secapi.dev/nightly" in await kubectl("get", "scanrequests", "-n", namespace, "-o", "name")
    assert (await operator.get(f"/v1/scans/{second['id']}")).json()["phase"] == "Pending"
