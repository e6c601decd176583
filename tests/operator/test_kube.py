"""P6, the client's part: what passes by itself is retried within bounds, the rest is told apart."""

import asyncio
import socket
import time
from typing import Any

import pytest

from fault_proxy import Cut, FaultProxy, count
from secapi_core.crds.scanrequest import ScanRequest
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_operator.kube import Conflict, Kube, KubeError, NotFound, TokenBucket, Unavailable
from secapi_operator.objects import ScanKey, StoredScan
from secapi_operator.resources import delete_scan, list_pages, read_scan, write_status
from waiting import until

STATUS: dict[str, Any] = {"phase": "Queued"}


@pytest.fixture
async def scan(kubectl: Kubectl, namespace: str, kube: Kube) -> StoredScan:
    await create_scan(kubectl, namespace, "one")
    return StoredScan.parse(await read_scan(kube, ScanKey(namespace, "one", "")))


async def create_scan(kubectl: Kubectl, namespace: str, name: str) -> None:
    manifest = f"""
    apiVersion: secapi.dev/v1alpha1
    kind: ScanRequest
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {{targets: [{{url: "https://shop.example/"}}], scanners: [{{name: nmap}}]}}
    """
    await kubectl("create", "-f", "-", stdin=manifest)


@pytest.mark.parametrize("fault", [429, 500, 502, 503, 504, Cut.BEFORE])
async def test_a_passing_fault_is_retried(kube: Kube, proxy: FaultProxy, scan: StoredScan, fault: int | Cut) -> None:
    proxy.fail("PUT", fault, times=2)
    answer = await write_status(kube, scan.key, str(scan.version), STATUS)
    assert answer["status"]["phase"] == "Queued"
    assert count(proxy.requests, "PUT") == 3


async def test_retries_are_bounded(kube: Kube, proxy: FaultProxy, scan: StoredScan) -> None:
    proxy.fail("PUT", 500, times=100)
    with pytest.raises(Unavailable):
        await write_status(kube, scan.key, str(scan.version), STATUS)
    assert count(proxy.requests, "PUT") == 5


async def test_retry_after_is_obeyed(kube: Kube, proxy: FaultProxy, scan: StoredScan) -> None:
    proxy.fail("GET .*scanrequests/one", 429, retry_after=1)
    started_at = time.monotonic()
    await read_scan(kube, scan.key)
    assert time.monotonic() - started_at >= 1.0


@pytest.mark.parametrize("refusal", [400, 403, 422])
async def test_a_refusal_is_not_retried(kube: Kube, proxy: FaultProxy, scan: StoredScan, refusal: int) -> None:
    proxy.fail("PUT", refusal)
    with pytest.raises(KubeError) as caught:
        await write_status(kube, scan.key, str(scan.version), STATUS)
    assert caught.value.status == refusal
    assert count(proxy.requests, "PUT") == 1


async def test_a_write_whose_answer_was_lost_conflicts_instead_of_repeating(
    kube: Kube, proxy: FaultProxy, scan: StoredScan
) -> None:
    proxy.fail("PUT", Cut.AFTER)
    with pytest.raises(Conflict):
        await write_status(kube, scan.key, str(scan.version), STATUS)
    assert (await read_scan(kube, scan.key))["status"]["phase"] == "Queued"


async def test_a_write_based_on_an_old_version_conflicts(kube: Kube, scan: StoredScan) -> None:
    await write_status(kube, scan.key, str(scan.version), STATUS)
    with pytest.raises(Conflict):
        await write_status(kube, scan.key, str(scan.version), {"phase": "Running"})


async def test_a_deletion_hits_only_the_version_it_was_meant_for(kube: Kube, scan: StoredScan) -> None:
    answer = await write_status(kube, scan.key, str(scan.version), STATUS)
    with pytest.raises(Conflict):
        await delete_scan(kube, scan.key, str(scan.version))
    with pytest.raises(Conflict):
        await delete_scan(kube, scan.key._replace(uid="another"), answer["metadata"]["resourceVersion"])
    await delete_scan(kube, scan.key, answer["metadata"]["resourceVersion"])
    with pytest.raises(NotFound):
        await read_scan(kube, scan.key)


async def test_a_slow_answer_is_given_up_and_tried_again(kube: Kube, proxy: FaultProxy, scan: StoredScan) -> None:
    with socket.create_server(("127.0.0.1", 0)) as never_accepting:
        upstream, proxy.upstream = proxy.upstream, f"http://127.0.0.1:{never_accepting.getsockname()[1]}"
        reading = asyncio.create_task(read_scan(kube, scan.key))
        await until(lambda: count(proxy.requests, "GET .*scanrequests/one") >= 2)
        proxy.upstream = upstream
        assert (await asyncio.wait_for(reading, 10))["metadata"]["name"] == "one"


async def test_a_list_shows_every_object_and_its_own_version(kube: Kube, scan: StoredScan) -> None:
    names = [item["metadata"]["uid"] async for page in list_pages(kube, ScanRequest) for item in page.items]
    assert scan.uid in names


async def test_a_token_bucket_lets_the_burst_through_and_then_the_rate() -> None:
    bucket = TokenBucket(rate=100.0, burst=10)
    started_at = time.monotonic()
    await asyncio.gather(*(bucket.take() for _ in range(30)))
    assert 0.19 <= time.monotonic() - started_at < 1.0
