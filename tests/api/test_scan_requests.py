"""ScanRequests written to a real apiserver, also when its answers get lost (promise P6)."""

import asyncio
import json
import time
from uuid import uuid4

import pytest

from fault_proxy import Cut, FaultProxy
from secapi_api.errors import ApiError, Forbidden, InvalidRequest, KubernetesUnavailable
from secapi_api.kube.client import KubernetesClient
from secapi_api.kube.scan_requests import NameTaken, ScanRequests, StoredRequest
from secapi_core.crds.scanrequest import SUBMITTED_BY, ScannerUse, ScanRequestSpec, Target
from secapi_dev.controlplane.kubectl import Kubectl
from tcp_proxy import Mode, TcpProxy

SPEC = ScanRequestSpec(targets=[Target(url="https://shop.example/")], scanners=[ScannerUse(name="web")])


async def create(requests: ScanRequests, namespace: str, *, name: str = "one", submission: str = "s") -> StoredRequest:
    return await requests.create(namespace, name, SPEC, submission=submission, submitted_by="key:1")


async def names(kubectl: Kubectl, namespace: str) -> list[str]:
    items = json.loads(await kubectl("get", "scanrequests", "-n", namespace, "-o", "json"))["items"]
    return [item["metadata"]["name"] for item in items]


async def test_a_created_request_carries_spec_and_submitter(
    scan_requests: ScanRequests, kubectl: Kubectl, namespace: str
) -> None:
    created = await create(scan_requests, namespace)
    stored = json.loads(await kubectl("get", "scanrequest", "one", "-n", namespace, "-o", "json"))
    assert stored["metadata"]["uid"] == str(created.id)
    assert stored["metadata"]["annotations"][SUBMITTED_BY] == "key:1"
    assert ScanRequestSpec.model_validate(stored["spec"]) == SPEC


async def test_the_same_submission_again_finds_the_first_object(scan_requests: ScanRequests, namespace: str) -> None:
    first = await create(scan_requests, namespace)
    again = await create(scan_requests, namespace)
    assert (first.id, first.found, again.found) == (again.id, False, True)


async def test_another_submission_of_the_same_name_is_told_apart(scan_requests: ScanRequests, namespace: str) -> None:
    first = await create(scan_requests, namespace)
    with pytest.raises(NameTaken) as caught:
        await create(scan_requests, namespace, submission="other")
    assert caught.value.existing.id == first.id


@pytest.mark.parametrize("cut", Cut)
async def test_a_create_whose_connection_breaks_is_sent_again_and_made_once(
    faulty_kubernetes: KubernetesClient, apiserver_faults: FaultProxy, kubectl: Kubectl, namespace: str, cut: Cut
) -> None:
    apiserver_faults.fail("POST .*/scanrequests", cut)
    stored = await create(ScanRequests(faulty_kubernetes), namespace)
    assert stored.found == (cut is Cut.AFTER)
    assert await names(kubectl, namespace) == ["one"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_apiserver_that_recovers_in_time_is_not_noticed(
    faulty_kubernetes: KubernetesClient, apiserver_faults: FaultProxy, namespace: str, status: int
) -> None:
    fault = apiserver_faults.fail("POST .*/scanrequests", status, times=2)
    assert (await create(ScanRequests(faulty_kubernetes), namespace)).name == "one"
    assert fault.hit == 2


async def test_the_pause_that_the_apiserver_asks_for_is_kept(
    faulty_kubernetes: KubernetesClient, apiserver_faults: FaultProxy, namespace: str
) -> None:
    apiserver_faults.fail("POST .*/scanrequests", 429, retry_after=1)
    started = time.monotonic()
    await create(ScanRequests(faulty_kubernetes), namespace)
    assert time.monotonic() - started >= 1


async def test_a_pause_longer_than_our_patience_is_passed_on(
    faulty_kubernetes: KubernetesClient, apiserver_faults: FaultProxy, namespace: str
) -> None:
    apiserver_faults.fail("POST .*/scanrequests", 429, retry_after=30)
    with pytest.raises(KubernetesUnavailable) as caught:
        await create(ScanRequests(faulty_kubernetes), namespace)
    assert caught.value.headers == {"Retry-After": "30"}


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_an_apiserver_that_does_not_answer_is_a_typed_error_in_bounded_time(
    outage_kubernetes: KubernetesClient, apiserver_outage: TcpProxy, namespace: str, mode: Mode
) -> None:
    apiserver_outage.set(mode)
    async with asyncio.timeout(8):
        with pytest.raises(KubernetesUnavailable):
            await create(ScanRequests(outage_kubernetes), namespace)


async def test_a_missing_namespace_is_the_namespace_fields_fault(scan_requests: ScanRequests) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await create(scan_requests, "nowhere")
    assert [error.pointer for error in caught.value.errors] == ["/namespace"]


async def test_a_spec_that_only_the_apiserver_refuses_is_told_with_its_field(
    scan_requests: ScanRequests, namespace: str
) -> None:
    spec = SPEC.model_copy(update={"max_attempts": 99})  # What a newer schema might refuse that this version allows.
    with pytest.raises(InvalidRequest) as caught:
        await scan_requests.create(namespace, "one", spec, submission="s", submitted_by="key:1")
    assert [error.pointer for error in caught.value.errors] == ["/spec/maxAttempts"]


async def test_cancel_sets_the_one_mutable_field(scan_requests: ScanRequests, kubectl: Kubectl, namespace: str) -> None:
    created = await create(scan_requests, namespace)
    assert await scan_requests.cancel(namespace, "one", created.id)
    assert await scan_requests.cancel(namespace, "one", created.id)
    assert await kubectl("get", "scanrequest", "one", "-n", namespace, "-o", "jsonpath={.spec.cancel}") == "true"


async def test_a_namesake_is_neither_cancelled_nor_deleted(
    scan_requests: ScanRequests, kubectl: Kubectl, namespace: str
) -> None:
    await create(scan_requests, namespace)
    assert not await scan_requests.cancel(namespace, "one", uuid4())
    assert not await scan_requests.delete(namespace, "one", uuid4())
    assert await kubectl("get", "scanrequest", "one", "-n", namespace, "-o", "jsonpath={.spec.cancel}") != "true"


async def test_what_is_gone_can_be_cancelled_and_deleted_without_an_error(
    scan_requests: ScanRequests, namespace: str
) -> None:
    created = await create(scan_requests, namespace)
    assert await scan_requests.delete(namespace, "one", created.id)
    assert not await scan_requests.delete(namespace, "one", created.id)
    assert not await scan_requests.cancel(namespace, "one", created.id)


async def test_a_namespace_that_is_going_away_refuses_with_a_client_error(
    scan_requests: ScanRequests, kubectl: Kubectl, namespace: str
) -> None:
    await kubectl("delete", "namespace", namespace, "--wait=false")
    with pytest.raises(ApiError) as caught:
        await create(scan_requests, namespace)
    assert isinstance(caught.value, Forbidden)
    assert "terminat" in caught.value.detail
