"""POST /v1/scans: what is accepted, how it is answered, and that sending it again changes nothing."""

import asyncio
from uuid import UUID

import httpx

from api_harness import Api, scan_body
from ledger_factories import execute, fetch
from scan_objects import impose, stored
from secapi_dev.controlplane.kubectl import Kubectl


async def test_an_accepted_scan_is_a_scan_request_and_can_be_read_at_once(
    operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    answer = await operator.post("/v1/scans", json=scan_body(namespace, name="nightly"))
    submitted = answer.json()
    assert (answer.status_code, submitted["namespace"], submitted["name"]) == (202, namespace, "nightly")
    (request,) = await stored(kubectl, namespace)
    assert request["metadata"]["uid"] == submitted["id"]
    read = await operator.get(answer.headers["Location"])
    assert (read.status_code, read.json()["phase"]) == (200, "Pending")
    assert read.json()["spec"]["targets"] == [{"url": "https://shop.example/"}]


async def test_the_answer_names_the_jobs_under_the_ids_that_the_ledger_will_give_them(
    operator: httpx.AsyncClient, namespace: str
) -> None:
    targets = [{"url": "https://shop.example/"}, {"url": "https://pay.example/"}]
    answer = await operator.post("/v1/scans", json=scan_body(namespace, spec={"targets": targets}))
    jobs = answer.json()["jobs"]
    assert [(job["scanner"], job["target"]) for job in jobs] == [("web", target) for target in targets]
    assert all(job["taskId"] == job["id"] for job in jobs)
    assert len({UUID(job["id"]) for job in jobs}) == 2


async def test_without_a_name_one_is_made_up(operator: httpx.AsyncClient, namespace: str) -> None:
    names = {(await operator.post("/v1/scans", json=scan_body(namespace))).json()["name"] for _ in range(2)}
    assert len(names) == 2


async def test_a_taken_name_is_a_conflict(operator: httpx.AsyncClient, namespace: str) -> None:
    await operator.post("/v1/scans", json=scan_body(namespace, name="nightly"))
    answer = await operator.post("/v1/scans", json=scan_body(namespace, name="nightly"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/name")


async def test_the_same_key_and_body_give_the_same_scan(
    operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    headers = {"Idempotency-Key": "build 17"}
    first = await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)
    again = await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert len(await stored(kubectl, namespace)) == 1


async def test_the_same_key_with_another_body_is_refused(operator: httpx.AsyncClient, namespace: str) -> None:
    headers = {"Idempotency-Key": "build 17"}
    await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)
    answer = await operator.post("/v1/scans", json=scan_body(namespace, spec={"priority": "bulk"}), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:secapi:problem:idempotency-key-reused")


async def test_the_same_key_of_two_callers_gives_two_scans(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    headers = {"Idempotency-Key": "build 17"}
    other = await api.client("operator", namespace)
    answers = [
        await client.post("/v1/scans", json=scan_body(namespace), headers=headers) for client in (operator, other)
    ]
    assert len({answer.json()["id"] for answer in answers}) == 2


async def test_concurrent_posts_with_one_key_make_one_scan_request(
    operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    headers = {"Idempotency-Key": "build 17"}
    answers = await asyncio.gather(
        *(operator.post("/v1/scans", json=scan_body(namespace), headers=headers) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await stored(kubectl, namespace)) == 1


async def test_a_repeated_submission_shows_what_became_of_the_scan(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    headers = {"Idempotency-Key": "build 17"}
    first = (await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)).json()
    await operator.post(f"/v1/scans/{first['id']}/cancel")
    again = await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)
    assert (again.json()["id"], again.json()["phase"]) == (first["id"], "Cancelled")


async def test_the_same_key_gives_the_same_scan_though_its_scan_request_is_gone(
    operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    headers = {"Idempotency-Key": "build 17"}
    first = (await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)).json()
    await kubectl("delete", "scanrequest", first["name"], "-n", namespace)
    again = await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    assert await stored(kubectl, namespace) == []
    other = await operator.post("/v1/scans", json=scan_body(namespace, spec={"priority": "bulk"}), headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:secapi:problem:idempotency-key-reused")


async def test_keys_are_forgotten_after_two_days(api: Api, operator: httpx.AsyncClient, namespace: str) -> None:
    database = api.owner
    for number in range(3):
        await operator.post("/v1/scans", json=scan_body(namespace), headers={"Idempotency-Key": f"build {number}"})
    scans = "SELECT id FROM scans WHERE namespace = :namespace"
    aged = f"UPDATE idempotency_keys SET created_at = now() - interval '49 hours' WHERE scan_id IN ({scans})"  # noqa: S608
    await execute(database, aged, namespace=namespace)
    for number in range(3, 5):
        await operator.post("/v1/scans", json=scan_body(namespace), headers={"Idempotency-Key": f"build {number}"})
    kept = await fetch(database, f"SELECT key FROM idempotency_keys WHERE scan_id IN ({scans})", namespace=namespace)  # noqa: S608
    assert len(kept) == 2


async def test_an_accepted_key_is_answered_though_the_rules_have_changed(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    headers = {"Idempotency-Key": "build 17"}
    first = await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)
    await impose(api, kubectl, namespace, scanners=["source"])
    refused = await operator.post("/v1/scans", json=scan_body(namespace))
    assert refused.json()["type"] == "urn:secapi:problem:scanner-forbidden"
    again = await operator.post("/v1/scans", json=scan_body(namespace), headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


async def test_a_namespace_at_its_quota_is_told_to_wait(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    await impose(api, kubectl, namespace, maxActiveScans=1)
    assert (await operator.post("/v1/scans", json=scan_body(namespace))).status_code == 202
    answer = await operator.post("/v1/scans", json=scan_body(namespace))
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:secapi:problem:quota-exceeded")
    assert int(answer.headers["Retry-After"]) > 0
