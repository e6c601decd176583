"""Two tenants side by side (promise P10): neither can tell the other's things from what is not there."""

import asyncio
import re
from uuid import UUID

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from api_harness import Api, owner_url, running_api
from every_route import MISSING, ROUTES, Access, Things, call
from ledger_factories import finish, make_findings, make_scan, running_job
from secapi_api.ledger import Within
from secapi_api.settings import ApiSettings
from secapi_core.ledger.queries.scans import ScanFilter, get_scan, list_scans
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.servers.postgres import PostgresServer
from waiting import until

OURS, THEIRS = "test-ours", "test-theirs"
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PASSING = {"x-request-id", "content-length", "ratelimit", "date"}
"""Headers that say nothing of what was asked for."""

ITEMS = ("scan", "deadLetter", "key", "membership", "webhook", "delivery")
LISTS = [route for route in ROUTES if route.method == "GET" and "{" not in route.path and not route.platform]


@pytest.fixture(scope="module")
async def tenants(api: Api, kubectl: Kubectl) -> tuple[Things, Things]:
    """One of each thing in two namespaces."""
    made = []
    for namespace in (OURS, THEIRS):
        await kubectl("create", "namespace", namespace)
        things = Things(api, namespace)
        for route in ROUTES:
            if route.item in ITEMS:
                await things.path(route)
        job = await running_job(api.owner, scan=make_scan(namespace))
        await finish(api.owner, job, make_findings([1]))
        things.ids["scan"] = str(job.scan_id)
        made.append(things)
    return made[0], made[1]


def told(answer: httpx.Response, *names: str) -> tuple[int, dict[str, str], str]:
    """All that an answer says, but for ``names`` and what differs between any two answers."""
    headers = {name: value for name, value in answer.headers.items() if name not in PASSING}
    body = re.sub(r'"requestId":"[^"]*"', "", answer.text)
    for name in names:
        body = body.replace(name, "…")
    body = ID.sub("…", body)
    return answer.status_code, headers, body


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.foreign in (403, 404)],
    ids=lambda route: f"{route.method} {route.path}",
)
async def test_what_is_anothers_looks_like_what_is_not_there(
    api: Api, tenants: tuple[Things, Things], route: Access
) -> None:
    theirs, nothing = tenants[1], Things(api, "nowhere", {str(route.item): MISSING})
    stranger = await api.client("admin", OURS)
    there, not_there = await call(stranger, route, theirs), await call(stranger, route, nothing)
    assert told(there, THEIRS, theirs.ids.get(str(route.item), THEIRS)) == told(not_there, "nowhere")


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.path)
async def test_a_list_shows_nothing_of_another_tenant(api: Api, tenants: tuple[Things, Things], route: Access) -> None:
    admin = await api.client("admin", OURS)
    for parameters in ({}, {"namespace": OURS}):
        answer = await admin.get(route.path, params=parameters)
        assert THEIRS not in answer.text
        assert not any(theirs in answer.text for theirs in tenants[1].ids.values())


@pytest.mark.parametrize(
    "path", ["/v1/scans", "/v1/dead-letters", "/v1/api-keys", "/v1/memberships", "/v1/audit-events"]
)
async def test_a_list_shows_ones_own(api: Api, tenants: tuple[Things, Things], path: str) -> None:
    answer = await (await api.client("admin", OURS)).get(path, params={"namespace": OURS})
    assert {item["namespace"] for item in answer.json()["items"]} == {OURS}


async def test_queries_without_their_predicate_find_nothing_of_another_tenant(
    api: Api, tenants: tuple[Things, Things]
) -> None:
    ours, theirs = (UUID(things.ids["scan"]) for things in tenants)
    async with api.resources.ledger.reading(Within(OURS)) as session:
        assert await get_scan(session, ours) is not None
        assert await get_scan(session, theirs) is None
        everything = await list_scans(session, ScanFilter(), None, 200)
    assert {scan.namespace for scan in everything.items} == {OURS}


async def test_one_connection_serves_both_tenants_each_its_own(
    settings: ApiSettings, tenants: tuple[Things, Things]
) -> None:
    """Also when requests before were hung up on or refused."""
    async with running_api(settings.model_copy(update={"database_pool_size": 2})) as api:
        clients = {namespace: await api.client("viewer", namespace) for namespace in (OURS, THEIRS)}
        for turn in range(30):
            hasty = asyncio.create_task(clients[OURS].get("/v1/scans"))
            for _ in range(turn):
                await asyncio.sleep(0)
            hasty.cancel()
            await asyncio.gather(hasty, return_exceptions=True)
            assert (await clients[OURS].get("/v1/scans", params={"cursor": "x"})).status_code == 422
            for namespace, client in clients.items():
                items = (await client.get("/v1/scans")).json()["items"]
                assert {item["namespace"] for item in items} == {namespace}


async def administer(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def unready(api: Api) -> str | None:
    """Why the API cannot serve, if it cannot."""
    answer = await api.anonymous().get("/readyz")
    return answer.json()["errors"][0]["detail"] if answer.status_code == 503 else None


async def test_the_api_is_not_ready_as_a_role_that_row_level_security_does_not_hold(
    api: Api, postgres_server: PostgresServer
) -> None:
    async def ready() -> bool:
        return await unready(api) is None

    await administer(postgres_server, "ALTER ROLE secapi_api BYPASSRLS")
    try:
        assert await until(lambda: unready(api)) == (
            "row-level security does not hold the role of this service: it must own nothing and bypass nothing"
        )
    finally:
        await administer(postgres_server, "ALTER ROLE secapi_api NOBYPASSRLS")
    await until(ready)


async def test_the_api_takes_its_role_on_as_the_owner(settings: ApiSettings) -> None:
    as_owner = SecretStr(owner_url(settings.database_url.get_secret_value()))
    async with running_api(settings.model_copy(update={"database_url": as_owner})) as api:
        assert await unready(api) is None
        async with api.resources.ledger.reading(Within(OURS)) as session:
            assert await session.scalar(text("SELECT current_user")) == "secapi_api"


async def test_the_api_is_not_ready_as_somebody_who_may_not_take_its_role_on(
    settings: ApiSettings, postgres_server: PostgresServer
) -> None:
    url = make_url(settings.database_url.get_secret_value()).set(username="stranger")
    await administer(postgres_server, f"CREATE ROLE stranger LOGIN PASSWORD '{postgres_server.password}'")
    try:
        as_stranger = SecretStr(url.render_as_string(hide_password=False))
        async with running_api(settings.model_copy(update={"database_url": as_stranger})) as api:
            assert str(await unready(api)).startswith("the database does not let this service be secapi_api: ")
    finally:
        await administer(postgres_server, "DROP ROLE stranger")
