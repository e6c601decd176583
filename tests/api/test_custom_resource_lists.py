"""Lists of schedules, policies and scanners: whose they are, and that their pages join."""

import asyncio
from typing import Any

import httpx
import pytest

from api_harness import Api, running_api
from fault_proxy import FaultProxy
from kept_kinds import SCANNERS, Kind, each_namespaced_kind
from listed import pages
from secapi_api.auth.callers import Caller, Role
from secapi_api.custom_resources.service import listed_namespace
from secapi_api.errors import Forbidden, InvalidRequest
from secapi_api.settings import ApiSettings
from secapi_core.paging import encode_cursor


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    return await api.client("admin", None)


async def fill(admin: httpx.AsyncClient, kind: Kind, namespace: str, *names: str) -> None:
    answers = await asyncio.gather(*(admin.post(kind.path, json=kind.body(namespace, name)) for name in names))
    assert {answer.status_code for answer in answers} == {201}


async def named_pages(client: httpx.AsyncClient, kind: Kind, **query: Any) -> list[list[str]]:
    """Names on each page."""
    return [[item["name"] for item in page] for page in await pages(client, kind.path, **query)]


@each_namespaced_kind
async def test_a_list_comes_in_pages_by_name(admin: httpx.AsyncClient, namespace: str, kind: Kind) -> None:
    await fill(admin, kind, namespace, "d", "a", "e", "c", "b")
    assert await named_pages(admin, kind, namespace=namespace, limit=2) == [["a", "b"], ["c", "d"], ["e"]]
    assert await named_pages(admin, kind, namespace=namespace) == [["a", "b", "c", "d", "e"]]


@each_namespaced_kind
async def test_a_list_has_what_reading_each_would_give(admin: httpx.AsyncClient, namespace: str, kind: Kind) -> None:
    await fill(admin, kind, namespace, "one")
    (item,) = (await admin.get(kind.path, params={"namespace": namespace})).json()["items"]
    assert item == (await admin.get(kind.url(namespace, "one"))).json()


@each_namespaced_kind
async def test_the_only_namespace_of_a_key_need_not_be_named(
    api: Api, admin: httpx.AsyncClient, namespace: str, kind: Kind
) -> None:
    await fill(admin, kind, namespace, "one")
    await fill(admin, kind, "default", f"not-of-{namespace}")
    assert await named_pages(await api.client("viewer", namespace), kind) == [["one"]]


@each_namespaced_kind
async def test_a_role_for_the_platform_sees_all_namespaces(
    api: Api, admin: httpx.AsyncClient, namespace: str, kind: Kind
) -> None:
    await fill(admin, kind, namespace, f"of-{namespace}")
    await fill(admin, kind, "default", f"not-of-{namespace}")
    found = {name for page in await named_pages(await api.client("viewer", None), kind, limit=200) for name in page}
    assert {f"of-{namespace}", f"not-of-{namespace}"} <= found


def test_who_has_several_namespaces_is_told_to_name_one() -> None:
    caller = Caller("user:1", "alice", {"team-a": Role.ADMIN, "team-b": Role.VIEWER})
    with pytest.raises(InvalidRequest) as caught:
        listed_namespace(caller, None)
    assert [error.pointer for error in caught.value.errors] == ["/query/namespace"]
    assert listed_namespace(caller, "team-b") == "team-b"
    with pytest.raises(Forbidden):
        listed_namespace(caller, "team-c")


@each_namespaced_kind
async def test_the_longest_names_fit_into_a_cursor(admin: httpx.AsyncClient, kind: Kind, kubectl: Any) -> None:
    namespace = kind.noun.ljust(63, "n")
    await kubectl("create", "namespace", namespace)
    names = [letter * 52 for letter in "abc"]
    await fill(admin, kind, namespace, *names)
    assert await named_pages(admin, kind, namespace=namespace, limit=1) == [[name] for name in names]


@each_namespaced_kind
async def test_a_cursor_is_good_for_its_own_list_only(
    api: Api, admin: httpx.AsyncClient, namespace: str, kind: Kind
) -> None:
    await fill(admin, kind, namespace, "a", "b")
    cursor = (await admin.get(kind.path, params={"namespace": namespace, "limit": 1})).json()["nextCursor"]
    stranger = await api.client("viewer", "default")
    answers = [
        await stranger.get(kind.path, params={"cursor": cursor}),
        await admin.get(kind.path, params={"cursor": cursor}),
        await admin.get(kind.path, params={"cursor": encode_cursor(kind.plural, "", "made up")}),
        await admin.get(kind.path, params={"cursor": encode_cursor(kind.plural, "")}),
        await admin.get(kind.path, params={"cursor": "x"}),
        await admin.get("/v1/scanners", params={"cursor": cursor}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


@each_namespaced_kind
async def test_a_cursor_that_has_expired_is_told_so(
    with_faults: ApiSettings, apiserver_faults: FaultProxy, namespace: str, kind: Kind
) -> None:
    async with running_api(with_faults) as api:
        admin = await api.client("admin", None)
        await fill(admin, kind, namespace, "a", "b")
        query = {"namespace": namespace, "limit": "1"}
        query["cursor"] = (await admin.get(kind.path, params=query)).json()["nextCursor"]
        apiserver_faults.fail("GET .*continue=", 410)
        answer = await admin.get(kind.path, params=query)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor")
        assert answer.json()["detail"] == "begin again without a cursor"


async def test_the_catalogue_comes_on_one_page_unless_pages_are_asked_for(
    api: Api, admin: httpx.AsyncClient, namespace: str
) -> None:
    names = [f"{namespace}-{letter}" for letter in "abc"]
    await fill(admin, SCANNERS, namespace, *names)
    viewer = await api.client("viewer", namespace)
    (everything,) = await named_pages(viewer, SCANNERS)
    assert everything == sorted(everything)
    assert set(names) | {"web", "source"} <= set(everything)
    assert await named_pages(viewer, SCANNERS, limit=1) == [[name] for name in everything]
