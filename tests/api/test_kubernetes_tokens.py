"""Tokens of Kubernetes: made for us, by this cluster, and good for what RBAC allows with kubectl."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from api_harness import Api, running_api, scan_body
from fault_proxy import FaultProxy, count
from secapi_api.settings import ApiSettings
from secapi_dev.controlplane.kubectl import Kubectl
from waiting import until


@pytest.fixture
async def account(kubectl: Kubectl, namespace: str) -> str:
    """A service account ``ci`` in ``namespace`` that may do nothing."""
    await kubectl("create", "serviceaccount", "ci", "-n", namespace)
    return namespace


async def token(kubectl: Kubectl, namespace: str, *options: str, audience: str = "secapi") -> str:
    return (await kubectl("create", "token", "ci", "-n", namespace, f"--audience={audience}", *options)).strip()


def using(api: Api, token: str) -> httpx.AsyncClient:
    client = api.anonymous()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


async def grant(kubectl: Kubectl, namespace: str, to: str, *rights: str) -> None:
    """Give the service account ``ci`` of the namespace ``to`` a role in ``namespace`` with ``rights``."""
    name = f"ci-of-{to}"
    verbs, resources = rights
    await kubectl("create", "role", name, "-n", namespace, f"--verb={verbs}", f"--resource={resources}")
    await kubectl("create", "rolebinding", name, "-n", namespace, f"--role={name}", f"--serviceaccount={to}:ci")


async def test_who_may_create_scan_requests_may_submit_scans(api: Api, kubectl: Kubectl, account: str) -> None:
    await grant(kubectl, account, account, "create,get", "scanrequests.secapi.dev")
    client = using(api, await token(kubectl, account))
    answer = await client.post("/v1/scans", json=scan_body(account))
    assert answer.status_code == 202
    read = await client.get(f"/v1/scans/{answer.json()['id']}")
    assert read.json()["submittedBy"] == f"serviceaccount:{account}:ci"
    assert (await client.get("/v1/api-keys", params={"namespace": account})).status_code == 403


async def test_who_may_only_read_scan_requests_is_a_viewer(api: Api, kubectl: Kubectl, account: str) -> None:
    await grant(kubectl, account, account, "get", "scanrequests.secapi.dev")
    client = using(api, await token(kubectl, account))
    assert (await client.get("/v1/scans", params={"namespace": account})).status_code == 200
    refused = await client.post("/v1/scans", json=scan_body(account))
    assert (refused.status_code, "role operator" in refused.json()["detail"]) == (403, True)


async def test_a_right_in_another_namespace_counts_there(
    api: Api, kubectl: Kubectl, account: str, operator: httpx.AsyncClient
) -> None:
    other = f"{account}-other"
    await kubectl("create", "namespace", other)
    await grant(kubectl, other, account, "create,get", "scanrequests.secapi.dev")
    client = using(api, await token(kubectl, account))
    submitted = await client.post("/v1/scans", json=scan_body(other))
    assert submitted.status_code == 202
    listed = await client.get("/v1/scans", params={"namespace": other})
    assert [scan["id"] for scan in listed.json()["items"]] == [submitted.json()["id"]]
    assert (await client.get("/v1/scans", params={"namespace": account})).status_code == 403


async def test_who_may_change_policies_is_an_admin(api: Api, kubectl: Kubectl, account: str) -> None:
    await grant(kubectl, account, account, "update", "scanpolicies.secapi.dev")
    client = using(api, await token(kubectl, account))
    body = {"name": "ci", "namespace": account, "role": "viewer"}
    assert (await client.post("/v1/api-keys", json=body)).status_code == 201
    identity = (await client.get("/v1/sessions/current")).json()
    assert (identity["id"], identity["roles"]) == (f"serviceaccount:{account}:ci", {account: "admin"})


async def test_who_may_do_nothing_is_somebody_who_may_do_nothing(api: Api, kubectl: Kubectl, account: str) -> None:
    client = using(api, await token(kubectl, account))
    assert (await client.get("/v1/scans", params={"namespace": account})).status_code == 403
    assert (await client.get("/v1/scans")).json()["items"] == []


async def test_a_token_for_another_audience_is_refused(api: Api, kubectl: Kubectl, account: str) -> None:
    for audience in ("https://kubernetes.default.svc", "somebody-else"):
        answer = await using(api, await token(kubectl, account, audience=audience)).get("/v1/scans")
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:secapi:problem:unauthenticated")


@pytest.mark.parametrize("text", ["a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "x" * 8000 + "." + "y" * 4000 + ".z"])
async def test_what_is_no_token_is_refused(api: Api, text: str) -> None:
    assert (await using(api, text).get("/v1/scans")).status_code == 401


async def test_a_right_taken_away_is_gone_within_seconds(api: Api, kubectl: Kubectl, account: str) -> None:
    await grant(kubectl, account, account, "get", "scanrequests.secapi.dev")
    client = using(api, await token(kubectl, account))
    query = {"namespace": account}
    assert (await client.get("/v1/scans", params=query)).status_code == 200
    await kubectl("delete", "rolebinding", f"ci-of-{account}", "-n", account)

    async def refused() -> bool:
        return (await client.get("/v1/scans", params=query)).status_code == 403

    await until(refused, within=15)


@pytest.fixture
async def faulty(with_faults: ApiSettings) -> AsyncIterator[Api]:
    async with running_api(with_faults) as api:
        yield api


async def test_a_hundred_requests_with_a_token_ask_kubernetes_once(
    with_faults: ApiSettings, apiserver_faults: FaultProxy, kubectl: Kubectl, account: str
) -> None:
    await grant(kubectl, account, account, "get", "scanrequests.secapi.dev")
    async with running_api(with_faults.model_copy(update={"database_pool_timeout": 30.0})) as patient:
        client = using(patient, await token(kubectl, account))
        answers = await asyncio.gather(*(client.get("/v1/scans", params={"namespace": account}) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert count(apiserver_faults.requests, "POST .*/tokenreviews") == 1
    # Four rights in the namespace and everywhere.
    assert count(apiserver_faults.requests, "POST .*/subjectaccessreviews") == 8


async def test_while_kubernetes_does_not_answer_nobody_is_taken_for_a_stranger(
    faulty: Api, apiserver_faults: FaultProxy, kubectl: Kubectl, account: str
) -> None:
    apiserver_faults.fail("POST .*/tokenreviews", 503, times=100)
    answer = await using(faulty, await token(kubectl, account)).get("/v1/scans")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:secapi:problem:kubernetes-unavailable")
