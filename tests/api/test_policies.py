"""What a policy or a scanner written over REST does to scans, and who may write it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api_harness import Api, running_api, scan_body
from kept_kinds import POLICIES, SCANNERS, Kind
from secapi_api.settings import ApiSettings


@pytest.fixture
async def patient_api(settings: ApiSettings) -> AsyncIterator[Api]:
    """An API that does not read its catalogue again because of its age."""
    tuning = settings.tuning.model_copy(update={"catalogue_age": 600.0})
    async with running_api(settings.model_copy(update={"tuning": tuning})) as api:
        yield api


@pytest.fixture
async def admin(patient_api: Api) -> httpx.AsyncClient:
    return await patient_api.client("admin", None)


@pytest.fixture
async def operator(patient_api: Api, namespace: str) -> httpx.AsyncClient:
    return await patient_api.client("operator", namespace)


async def test_a_policy_holds_for_the_next_submission(
    admin: httpx.AsyncClient, operator: httpx.AsyncClient, namespace: str
) -> None:
    assert (await operator.post("/v1/scans", json=scan_body(namespace))).status_code == 202
    policy = {"namespace": namespace, "name": "narrow", "spec": {"scanners": ["source"]}}
    version = (await admin.post("/v1/policies", json=policy)).headers["ETag"]
    refused = await operator.post("/v1/scans", json=scan_body(namespace))
    assert refused.json()["type"] == "urn:secapi:problem:scanner-forbidden"

    url, wider = f"/v1/policies/{namespace}/narrow", {"spec": {"scanners": ["web"], "maxActiveScans": 1}}
    version = (await admin.put(url, json=wider, headers={"If-Match": version})).headers["ETag"]
    refused = await operator.post("/v1/scans", json=scan_body(namespace))
    assert refused.json()["type"] == "urn:secapi:problem:quota-exceeded"

    await admin.delete(url, headers={"If-Match": version})
    assert (await operator.post("/v1/scans", json=scan_body(namespace))).status_code == 202


async def test_a_scanner_can_be_used_and_listed_at_once_and_not_after_it_is_deleted(
    admin: httpx.AsyncClient, operator: httpx.AsyncClient, namespace: str
) -> None:
    body = scan_body(namespace, spec={"scanners": [{"name": namespace}]})
    refused = await operator.post("/v1/scans", json=body)
    assert refused.json()["type"] == "urn:secapi:problem:unknown-scanner"
    version = (await admin.post("/v1/scanners", json=SCANNERS.body(namespace, namespace))).headers["ETag"]
    assert namespace in await catalogue(operator)
    assert (await operator.post("/v1/scans", json=body)).status_code == 202

    await admin.delete(f"/v1/scanners/{namespace}", headers={"If-Match": version})
    assert namespace not in await catalogue(operator)
    refused = await operator.post("/v1/scans", json=body)
    assert refused.json()["type"] == "urn:secapi:problem:unknown-scanner"


async def catalogue(client: httpx.AsyncClient) -> set[str]:
    return {item["name"] for item in (await client.get("/v1/scanners")).json()["items"]}


@pytest.mark.parametrize("kind", [POLICIES, SCANNERS], ids=lambda kind: kind.noun)
async def test_a_namespaces_admin_reads_what_restricts_the_namespace_and_cannot_change_it(
    api: Api, namespace: str, kind: Kind
) -> None:
    platform = await api.client("admin", None)
    created = await platform.post(kind.path, json=kind.body(namespace, namespace))
    url, version = kind.url(namespace, namespace), {"If-Match": created.headers["ETag"]}
    own = await api.client("admin", namespace)
    assert (await own.get(url)).json() == created.json()
    for answer in (
        await own.post(kind.path, json=kind.body(namespace, "wider")),
        await own.put(url, json={"spec": kind.other}, headers=version),
        await own.delete(url, headers=version),
    ):
        assert (answer.status_code, "for the whole platform" in answer.json()["detail"]) == (403, True)
    assert (await own.get(url)).json() == created.json()
