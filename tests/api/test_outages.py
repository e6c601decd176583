"""What callers see while Postgres or the apiserver is away, and that it passes by itself (promises P1, P5, P6)."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from api_harness import Api, running_api, scan_body
from fault_proxy import Cut, FaultProxy
from ledger_factories import dead_letter, fetch, make_scan
from scan_objects import stored
from secapi_api.settings import ApiSettings
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.processes.state import StateDirectory
from secapi_dev.servers.migrations import migrate
from tcp_proxy import Mode, TcpProxy
from waiting import until

PATIENCE = 8.0
"""Seconds within which every answer must come; the API of these tests gives up after five."""

OUTAGES = pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])


@pytest.fixture
async def cut_off(without_database: ApiSettings, database_outage: TcpProxy) -> AsyncIterator[Api]:
    """An API whose way to Postgres is ``database_outage``."""
    async with running_api(without_database) as api:
        yield api
        database_outage.set(Mode.FORWARD)


@OUTAGES
async def test_without_postgres_every_route_that_needs_it_answers_503(
    cut_off: Api, database_outage: TcpProxy, tenant: str, mode: Mode
) -> None:
    client = await cut_off.client("operator", tenant)
    assert (await client.get("/v1/scans")).status_code == 200
    database_outage.set(mode)
    path = "/v1/scans/00000000-0000-0000-0000-000000000000"
    started = time.monotonic()
    answers = await asyncio.gather(
        client.get("/v1/scans"),
        client.get(path),
        client.get(f"{path}/findings"),
        client.get("/v1/dead-letters"),
        client.get("/v1/stats"),
        client.post(f"{path}/cancel"),
        client.post("/v1/scans", json=scan_body(tenant)),
        client.get("/v1/artifacts"),
        client.get(f"{path}/artifacts"),
        client.post("/v1/artifacts", content=b"archive"),
    )
    assert time.monotonic() - started < PATIENCE
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
    assert (await client.get("/healthz")).status_code == 200


async def test_a_connection_that_postgres_has_left_is_no_defect(
    cut_off: Api, database_outage: TcpProxy, tenant: str
) -> None:
    """The driver has read that the server goes, and not noticed yet that it has gone."""
    database_outage.set(Mode.LINGER)
    client = await cut_off.client("operator", tenant)
    paths = ["/v1/scans", f"/v1/scans/{uuid4()}"]
    assert [(await client.get(path)).status_code for path in paths] == [200, 404]
    ours = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'secapi-api'"
    await fetch(cut_off.owner, f"SELECT pg_terminate_backend(pid) {ours}")

    async def gone() -> bool:
        return await fetch(cut_off.owner, f"SELECT count(*) {ours}") == [(0,)]

    await until(gone)
    # For each path another connection; what Redis has kept of the second one's scan is of no interest.
    paths[1] = f"/v1/scans/{uuid4()}"
    assert [(await client.get(path)).status_code for path in paths] == [503, 503]
    assert [(await client.get(path)).status_code for path in paths] == [200, 404]
    database_outage.set(Mode.REFUSE)


@OUTAGES
async def test_when_postgres_is_back_the_next_request_is_served(
    cut_off: Api, database_outage: TcpProxy, tenant: str, mode: Mode
) -> None:
    client = await cut_off.client("operator", tenant)
    database_outage.set(mode)
    assert (await client.get("/v1/scans")).status_code == 503
    database_outage.set(Mode.FORWARD)
    assert (await client.get("/v1/scans")).status_code == 200


async def test_a_postgres_outage_leaks_no_connection(cut_off: Api, database_outage: TcpProxy, tenant: str) -> None:
    client = await cut_off.client("viewer", tenant)
    database_outage.set(Mode.FREEZE)
    await asyncio.gather(*(client.get("/v1/scans") for _ in range(30)))
    database_outage.set(Mode.FORWARD)
    assert (await client.get("/v1/scans")).status_code == 200
    pool = cut_off.resources.ledger.database.engine.sync_engine.pool
    assert pool.status().endswith("Current Checked out connections: 0")


@pytest.fixture
def lost_after_create(cut_off: Api, database_outage: TcpProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next ScanRequest is made, and then Postgres goes away."""
    requests = cut_off.resources.scan_requests
    create = requests.create

    async def create_and_lose_postgres(*arguments: object, **options: object) -> object:
        stored = await create(*arguments, **options)  # type: ignore[arg-type]  # passed through as they came
        database_outage.set(Mode.REFUSE)
        monkeypatch.undo()
        return stored

    monkeypatch.setattr(type(requests), "create", lambda _, *a, **o: create_and_lose_postgres(*a, **o))


async def test_a_scan_whose_request_was_made_is_accepted_though_the_ledger_fails_then(
    cut_off: Api, lost_after_create: None, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = await cut_off.client("operator", namespace)
    answer = await client.post("/v1/scans", json=scan_body(namespace))
    assert (answer.status_code, answer.json()["phase"], len(answer.json()["jobs"])) == (202, "Pending", 1)
    assert await cut_off.resources.scan_requests.find(namespace, answer.json()["name"])
    assert "audit event only logged" in capsys.readouterr().out


async def test_a_replay_that_lost_the_ledger_is_found_again(
    cut_off: Api, database_outage: TcpProxy, lost_after_create: None, kubectl: Kubectl, namespace: str
) -> None:
    client = await cut_off.client("operator", namespace)
    letter = await dead_letter(cut_off.owner, scan=make_scan(namespace), scanner="web", parameters={})
    path = f"/v1/dead-letters/{letter}"
    assert (await client.post(f"{path}/replay")).status_code == 503
    (request,) = await stored(kubectl, namespace)
    database_outage.set(Mode.FORWARD)
    assert (await client.get(path)).json()["replayScanId"] is None
    again = await client.post(f"{path}/replay")
    assert (again.status_code, again.json()["id"]) == (202, request["metadata"]["uid"])
    assert (await client.get(path)).json()["replayScanId"] == request["metadata"]["uid"]


@OUTAGES
async def test_without_the_apiserver_submitting_answers_503_and_reading_goes_on(
    without_kubernetes: ApiSettings, apiserver_outage: TcpProxy, namespace: str, mode: Mode
) -> None:
    async with running_api(without_kubernetes) as api:
        client = await api.client("operator", namespace)
        scan = (await client.post("/v1/scans", json=scan_body(namespace))).json()
        apiserver_outage.set(mode)
        started = time.monotonic()
        answer = await client.post("/v1/scans", json=scan_body(namespace))
        assert time.monotonic() - started < PATIENCE
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:secapi:problem:kubernetes-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert (await client.get(f"/v1/scans/{scan['id']}")).status_code == 200
        assert (await client.get("/v1/scanners")).status_code == 200
        # The work stops, whatever becomes of the custom resource; the caller is told to repeat the request.
        assert (await client.post(f"/v1/scans/{scan['id']}/cancel")).status_code == 503
        assert (await client.get(f"/v1/scans/{scan['id']}")).json()["phase"] == "Cancelled"
        apiserver_outage.set(Mode.FORWARD)
        assert (await client.post(f"/v1/scans/{scan['id']}/cancel")).status_code == 202


async def test_a_submission_whose_create_answer_is_lost_is_one_scan(
    with_faults: ApiSettings, apiserver_faults: FaultProxy, namespace: str
) -> None:
    async with running_api(with_faults) as api:
        client = await api.client("operator", namespace)
        apiserver_faults.fail("POST .*/scanrequests", Cut.AFTER)
        answer = await client.post("/v1/scans", json=scan_body(namespace))
        assert answer.status_code == 202
        assert [item["id"] for item in (await client.get("/v1/scans")).json()["items"]] == [answer.json()["id"]]


async def test_readiness_names_what_is_down(
    without_database: ApiSettings, database_outage: TcpProxy, with_faults: ApiSettings, apiserver_faults: FaultProxy
) -> None:
    both = without_database.model_copy(update={"kubeconfig": with_faults.kubeconfig})
    async with running_api(both) as api:
        client = api.anonymous()
        assert (await client.get("/readyz")).status_code == 200
        database_outage.set(Mode.REFUSE)
        apiserver_faults.fail("GET /apis", 500, times=100)
        answer = await until(lambda: answered(client, 503))
        assert answer is not None
        assert answer.json()["type"] == "urn:secapi:problem:not-ready"
        assert {error["pointer"] for error in answer.json()["errors"]} == {"/database", "/kubernetes"}
        database_outage.set(Mode.FORWARD)
        apiserver_faults.faults.clear()
        await until(lambda: answered(client, 200))


async def test_readiness_tells_of_a_database_that_nobody_has_migrated(
    settings: ApiSettings, empty_database_url: str, server_state: StateDirectory
) -> None:
    async with running_api(settings.model_copy(update={"database_url": SecretStr(empty_database_url)})) as api:
        client = api.anonymous()
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/database"
        assert error["detail"].endswith("run secapi-migrate")
        await migrate(empty_database_url, server_state)
        await until(lambda: answered(client, 200))


async def test_however_many_ask_for_readiness_the_apiserver_is_asked_once(
    with_faults: ApiSettings, apiserver_faults: FaultProxy
) -> None:
    async with running_api(with_faults) as api:
        client = api.anonymous()
        await asyncio.gather(*(client.get("/readyz") for _ in range(50)))
    assert len(apiserver_faults.requests) == 1


async def answered(client: httpx.AsyncClient, status: int) -> httpx.Response | None:
    """The probe's answer if it has this status."""
    answer = await client.get("/readyz")
    return answer if answer.status_code == status else None


async def test_the_process_starts_while_everything_is_down(
    without_database: ApiSettings, database_outage: TcpProxy, with_faults: ApiSettings, apiserver_faults: FaultProxy
) -> None:
    database_outage.set(Mode.REFUSE)
    apiserver_faults.fail("", 503, times=1000)
    async with running_api(without_database.model_copy(update={"kubeconfig": with_faults.kubeconfig})) as api:
        client = api.anonymous()
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        database_outage.set(Mode.FORWARD)
        apiserver_faults.faults.clear()
        await until(lambda: answered(client, 200))
