"""Schedules, policies and scanners while the apiserver or Postgres fails (promises P5, P6)."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from api_harness import Api, running_api
from fault_proxy import Cut, FaultProxy, count
from kept_kinds import SCANNERS, SCHEDULES, Kind, each_kind
from secapi_api.kube.custom_resources import CustomResources, StoredResource
from secapi_api.settings import ApiSettings
from secapi_core.crds.base import Model
from tcp_proxy import Mode, TcpProxy
from waiting import until

PATIENCE = 8.0
"""Seconds within which every answer must come; the API of these tests gives up after five."""

each_way_to_fail = pytest.mark.parametrize("what", [Cut.BEFORE, Cut.AFTER, 429, 500, 503], ids=str)


@pytest.fixture
async def admin(with_faults: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The platform's admin at an API whose way to the apiserver is ``apiserver_faults``."""
    async with running_api(with_faults) as api:
        yield await api.client("admin", None)


async def created(admin: httpx.AsyncClient, kind: Kind, namespace: str) -> dict[str, str]:
    """The header that names the version of a new object, whose name is the namespace's."""
    answer = await admin.post(kind.path, json=kind.body(namespace, namespace))
    return {"If-Match": answer.headers["ETag"]}


@each_kind
@each_way_to_fail
async def test_a_creation_that_is_tried_twice_is_no_conflict_with_itself(
    admin: httpx.AsyncClient, apiserver_faults: FaultProxy, namespace: str, kind: Kind, what: int | Cut
) -> None:
    apiserver_faults.fail(f"POST .*/{kind.plural}", what)
    answer = await admin.post(kind.path, json=kind.body(namespace, namespace))
    assert (answer.status_code, answer.json()["generation"]) == (201, 1)
    assert count(apiserver_faults.requests, f"POST .*/{kind.plural}") >= 2
    events = (await admin.get("/v1/audit-events", params={"subject": namespace})).json()["items"]
    assert len(events) == 1


@each_kind
@each_way_to_fail
async def test_a_replacement_that_is_tried_twice_has_not_changed_meanwhile(
    admin: httpx.AsyncClient, apiserver_faults: FaultProxy, namespace: str, kind: Kind, what: int | Cut
) -> None:
    version = await created(admin, kind, namespace)
    apiserver_faults.fail(f"PUT .*/{kind.plural}", what)
    answer = await admin.put(kind.url(namespace, namespace), json={"spec": kind.other}, headers=version)
    assert (answer.status_code, answer.json()["generation"]) == (200, 2)
    assert count(apiserver_faults.requests, f"PUT .*/{kind.plural}") >= 2
    read = await admin.get(kind.url(namespace, namespace))
    assert (read.json(), read.headers["ETag"]) == (answer.json(), answer.headers["ETag"])


@each_kind
@each_way_to_fail
async def test_a_deletion_that_is_tried_twice_is_done(
    admin: httpx.AsyncClient, apiserver_faults: FaultProxy, namespace: str, kind: Kind, what: int | Cut
) -> None:
    version = await created(admin, kind, namespace)
    apiserver_faults.fail(f"DELETE .*/{kind.plural}", what)
    assert (await admin.delete(kind.url(namespace, namespace), headers=version)).status_code == 204
    assert (await admin.get(kind.url(namespace, namespace))).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_what_somebody_changes_between_our_reading_and_writing_is_not_overwritten(
    api: Api, namespace: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    admin = await api.client("admin", None)
    version = await created(admin, SCHEDULES, namespace)
    url = SCHEDULES.url(namespace, namespace)
    get = CustomResources.get

    async def get_and_lose_the_race(self: CustomResources, namespace: str | None, name: str) -> StoredResource:
        monkeypatch.undo()
        found = await get(self, namespace, name)
        assert (await admin.put(url, json={"spec": SCHEDULES.other}, headers=version)).status_code == 200
        return found

    monkeypatch.setattr(CustomResources, "get", get_and_lose_the_race)
    body = {"spec": SCHEDULES.spec} if method == "PUT" else None
    assert (await admin.request(method, url, headers=version, json=body)).status_code == 412
    assert (await admin.get(url)).json()["spec"]["schedule"] == SCHEDULES.other["schedule"]


@each_kind
@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_the_apiserver_every_route_answers_503_in_time(
    without_kubernetes: ApiSettings, apiserver_outage: TcpProxy, namespace: str, kind: Kind, mode: Mode
) -> None:
    async with running_api(without_kubernetes) as api:
        admin = await api.client("admin", None)
        version = await created(admin, kind, namespace)
        url = kind.url(namespace, namespace)
        apiserver_outage.set(mode)
        started = time.monotonic()
        answers = await asyncio.gather(
            admin.post(kind.path, json=kind.body(namespace, "another")),
            admin.get(url),
            admin.put(url, json={"spec": kind.other}, headers=version),
            admin.delete(url, headers=version),
            *([admin.get(kind.path)] if kind.namespaced else []),
        )
        assert time.monotonic() - started < PATIENCE
        for answer in answers:
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:secapi:problem:kubernetes-unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        apiserver_outage.set(Mode.FORWARD)
        assert (await admin.delete(url, headers=version)).status_code == 204


async def test_without_the_apiserver_the_catalogue_can_still_be_listed(
    without_kubernetes: ApiSettings, apiserver_outage: TcpProxy, namespace: str
) -> None:
    async with running_api(without_kubernetes) as api:
        admin = await api.client("admin", None)
        before = (await admin.get(SCANNERS.path)).json()
        await created(admin, SCANNERS, namespace)
        apiserver_outage.set(Mode.REFUSE)
        # The first one waits for the change; when that cannot be read, the others do not.
        assert (await admin.get(SCANNERS.path)).json() == before
        started = time.monotonic()
        assert (await admin.get(SCANNERS.path)).json() == before
        assert time.monotonic() - started < 1


@each_kind
async def test_a_change_that_was_made_is_answered_though_the_ledger_fails_then(
    without_database: ApiSettings,
    database_outage: TcpProxy,
    namespace: str,
    kind: Kind,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with running_api(without_database) as api:
        admin = await api.client("admin", None)
        create = CustomResources.create

        async def create_and_lose_postgres(
            self: CustomResources, namespace: str | None, name: str, spec: Model
        ) -> StoredResource:
            made = await create(self, namespace, name, spec)
            database_outage.set(Mode.REFUSE)
            return made

        monkeypatch.setattr(CustomResources, "create", create_and_lose_postgres)
        answer = await admin.post(kind.path, json=kind.body(namespace, namespace))
        assert (answer.status_code, answer.json()["name"]) == (201, namespace)
        assert "audit event only logged" in capsys.readouterr().out
        database_outage.set(Mode.FORWARD)
        await until(lambda: _answered(admin, answer.headers["Location"]))


async def _answered(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path)).status_code == 200
