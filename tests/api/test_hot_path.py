"""``GET /v1/scans/{scanId}``: the path of its own answers as the route does, and what Redis keeps is never wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from api_harness import Api, owner_url, running_api
from event_streams import listening
from ledger_factories import UNWANTED, claimed, execute, finish, make_database, make_findings, make_scan, planned_scan
from secapi_api.auth import known
from secapi_api.ledger import SYSTEM
from secapi_api.scans.reading import scan_json
from secapi_api.scans.schemas import Scan
from secapi_api.settings import ApiSettings
from secapi_core.ledger.queries.scans import get_scan
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.types import NewScan
from secapi_dev.servers.valkey import ValkeyServer
from served_api import served_api
from tcp_proxy import Mode, TcpProxy
from waiting import until

NOT_HERE = "/v1/scans/00000000-0000-4000-8000-000000000000"


def path(scan: NewScan) -> str:
    return f"/v1/scans/{scan.id}"


async def seeded(api: Api, tenant: str) -> NewScan:
    scan = make_scan(tenant)
    await planned_scan(api.owner, scan=scan)
    return scan


async def ended(api: Api, tenant: str) -> NewScan:
    scan, database = make_scan(tenant), api.owner
    (job,) = await planned_scan(database, scan=scan)
    await finish(database, await claimed(database, job), make_findings(range(3)))
    return scan


@pytest.fixture
async def viewer(api: Api, tenant: str) -> httpx.AsyncClient:
    """Somebody whom the path of its own knows."""
    return await acquainted(api, "viewer", tenant)


async def acquainted(api: Api, role: str, namespace: str | None, **options: Any) -> httpx.AsyncClient:
    client = await api.client(role, namespace, **options)
    await client.get(NOT_HERE)
    return client


def reads(outcome: str) -> float:
    return REGISTRY.get_sample_value("secapi_api_cache_reads_total", {"cache": "scan", "outcome": outcome}) or 0


def took_the_hot_path(api: Api, client: httpx.AsyncClient) -> bool:
    credential = client.headers["Authorization"].removeprefix("Bearer ")
    return api.resources.authenticator.known.find(credential.encode()) is not None


async def test_both_paths_give_the_same_answer(api: Api, tenant: str) -> None:
    scan, client = await ended(api, tenant), await api.client("viewer", tenant)
    answers = []
    for acquainted_by_now in (False, True):
        assert took_the_hot_path(api, client) is acquainted_by_now
        answers.append(await client.get(path(scan)))
    route, hot = answers
    assert (route.status_code, route.content) == (hot.status_code, hot.content)
    assert {name for name, _ in route.headers.items()} == {name for name, _ in hot.headers.items()}
    fixed = route.headers.keys() - {"ratelimit", "x-request-id"}
    assert {name: route.headers[name] for name in fixed} == {name: hot.headers[name] for name in fixed}


@pytest.mark.parametrize("change", ["", "UPDATE scans SET created_at = '2026-01-02T03:04:05Z' WHERE id = :id"])
async def test_what_is_shown_is_what_the_document_says(api: Api, tenant: str, change: str) -> None:
    database = api.owner
    for scan in (await seeded(api, tenant), await ended(api, tenant), await cancelled(api, tenant)):
        if change:
            await execute(database, change, id=scan.id)
        summary = json.loads(await api.resources.scan_reads._reader.read(scan.id, None) or "")
        async with database.transaction() as session:
            detail = await get_scan(session, scan.id)
        assert detail is not None
        assert scan_json(summary) == Scan.of(detail).model_dump_json(by_alias=True).encode()


async def cancelled(api: Api, tenant: str) -> NewScan:
    scan = await seeded(api, tenant)
    async with api.resources.ledger.transaction(SYSTEM) as session:
        await cancel_scan(session, scan.id, UNWANTED)
    return scan


async def test_every_change_is_seen_by_the_next_read(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    scan, database = make_scan(tenant), api.owner
    assert (await viewer.get(path(scan))).status_code == 404
    (job,) = await planned_scan(database, scan=scan)
    seen = [(await viewer.get(path(scan))).json()["phase"]]
    owned = await claimed(database, job)
    seen.append((await viewer.get(path(scan))).json()["phase"])
    await finish(database, owned)
    seen.append((await viewer.get(path(scan))).json()["phase"])
    assert seen == ["Queued", "Running", "Succeeded"]


async def test_a_scan_that_is_deleted_is_gone_though_it_was_kept(api: Api, namespace: str) -> None:
    client = await acquainted(api, "operator", namespace)
    scan = await ended(api, namespace)
    assert (await client.get(path(scan))).status_code == 200
    assert (await client.delete(path(scan))).status_code == 204
    assert (await client.get(path(scan))).status_code == 404


async def test_a_kept_scan_tells_another_namespace_nothing(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    scan = await ended(api, tenant)
    assert (await viewer.get(path(scan))).status_code == 200
    stranger = await acquainted(api, "admin", f"{tenant}-b")
    for _ in range(2):
        there, not_there = await stranger.get(path(scan)), await stranger.get(path(make_scan()))
        assert there.status_code == not_there.status_code == 404
        assert there.json().keys() == not_there.json().keys()
        assert there.headers.keys() == not_there.headers.keys()
    assert (await viewer.get(path(scan))).status_code == 200


async def test_a_scope_too_narrow_is_refused_here_too(api: Api, tenant: str) -> None:
    scan = await ended(api, tenant)
    narrow = await acquainted(api, "viewer", tenant, scopes=["stats:read"])
    answer = await narrow.get(path(scan))
    assert took_the_hot_path(api, narrow)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:secapi:problem:forbidden")


async def test_who_asks_too_often_is_refused_here_too(settings: ApiSettings, tenant: str) -> None:
    slow = settings.model_copy(update={"tuning": settings.tuning.model_copy(update={"reads_per_minute": 3})})
    async with running_api(slow) as api:
        client = await api.client("viewer", tenant)
        answers = [(await client.get(NOT_HERE)).status_code for _ in range(4)]
    assert answers == [404, 404, 404, 429]


@pytest.mark.parametrize(
    ("method", "spoil"),
    [
        ("GET", lambda path: f"{path}?x=1"),
        ("GET", lambda path: path.upper().replace("/V1/SCANS", "/v1/scans")),
        ("GET", lambda path: path.replace("-", "").replace("v1", "v1")),
    ],
)
async def test_other_spellings_are_answered_by_the_route(
    api: Api, viewer: httpx.AsyncClient, tenant: str, method: str, spoil: Callable[[str], str]
) -> None:
    scan = await ended(api, tenant)
    assert (await viewer.request(method, spoil(path(scan)))).status_code == 200


async def test_two_credentials_are_nobodys(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    scan = await ended(api, tenant)
    twice = [("Authorization", "Bearer sk_nobody"), ("Authorization", viewer.headers["Authorization"])]
    assert (await api.anonymous().get(path(scan), headers=twice)).status_code == 401


async def test_a_key_that_is_revoked_is_good_for_nothing_at_once(api: Api, tenant: str) -> None:
    admin, scan = await api.client("admin", tenant), await ended(api, tenant)
    made = (await admin.post("/v1/api-keys", json={"name": "short", "namespace": tenant, "role": "viewer"})).json()
    client = api.anonymous()
    client.headers["Authorization"] = f"Bearer {made['secret']}"
    assert [(await client.get(path(scan))).status_code for _ in range(2)] == [200, 200]
    assert took_the_hot_path(api, client)
    assert (await admin.delete(f"/v1/api-keys/{made['id']}")).status_code == 204
    assert (await client.get(path(scan))).status_code == 401


async def test_other_processes_hear_of_a_key_that_is_rotated(api: Api, settings: ApiSettings, tenant: str) -> None:
    admin, scan = await api.client("admin", tenant), await ended(api, tenant)
    async with running_api(settings) as other:
        async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            await until(lambda: subscribed(redis, 2))
        made = (await admin.post("/v1/api-keys", json={"name": "old", "namespace": tenant, "role": "viewer"})).json()
        client = other.anonymous()
        client.headers["Authorization"] = f"Bearer {made['secret']}"
        assert (await client.get(path(scan))).status_code == 200
        rotated = await admin.post(f"/v1/api-keys/{made['id']}/rotate", json={"graceSeconds": 0})
        assert rotated.status_code == 201
        await until(lambda: not took_the_hot_path(other, client), within=known.KNOWN_SECONDS / 2)
        assert (await client.get(path(scan))).status_code == 401


async def subscribed(redis: Redis, processes: int) -> bool:
    ((_, count),) = await redis.pubsub_numsub("api-keys:ended")
    return bool(count >= processes)


async def test_a_key_that_ends_without_a_word_lives_on_for_moments_and_only_here(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    scan = await ended(api, tenant)
    await execute(api.owner, "UPDATE api_keys SET revoked_at = now() WHERE namespace = :tenant", tenant=tenant)
    assert (await viewer.get("/v1/scans")).status_code == 401

    async def refused() -> bool:
        return (await viewer.get(path(scan))).status_code == 401

    await until(refused, within=known.KNOWN_SECONDS + 2)


async def test_a_key_is_not_known_beyond_its_own_end(api: Api, tenant: str) -> None:
    client = await api.client("viewer", tenant)
    await execute(
        api.owner,
        "UPDATE api_keys SET expires_at = now() + interval '0.5 s' WHERE namespace = :tenant",
        tenant=tenant,
    )
    assert (await client.get(NOT_HERE)).status_code == 404

    async def refused() -> bool:
        return (await client.get(NOT_HERE)).status_code == 401

    await until(refused, within=2)


async def test_the_log_and_the_metrics_tell_of_it_as_of_any_request(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    scan = await ended(api, tenant)
    labels = {"route": "/v1/scans/{scanId}", "method": "GET", "status": "200"}
    counted = REGISTRY.get_sample_value("secapi_api_request_duration_seconds_count", labels) or 0
    hits = reads("hit")
    with capture_logs() as logs:
        await viewer.get(path(scan))
        await viewer.get(path(scan))
    lines = [(line["route"], line["status"]) for line in logs if line["event"] == "request answered"]
    assert lines == [("/v1/scans/{scanId}", "200")] * 2
    assert REGISTRY.get_sample_value("secapi_api_request_duration_seconds_count", labels) == counted + 2
    assert reads("hit") >= hits + 1


async def test_an_id_that_is_unknown_is_not_looked_for_again_and_again(
    api: Api, viewer: httpx.AsyncClient, without_database: ApiSettings, database_outage: TcpProxy, tenant: str
) -> None:
    scan = make_scan(tenant)
    async with running_api(without_database) as cut_off:
        client = await acquainted(cut_off, "viewer", tenant)
        unknown = reads("unknown")
        assert (await client.get(path(scan))).status_code == 404
        database_outage.set(Mode.REFUSE)
        assert (await client.get(path(scan))).status_code == 404
        assert reads("unknown") == unknown + 1
        assert (await client.get(path(make_scan(tenant)))).status_code == 503
        # Whoever enters it, says so.
        await planned_scan(api.owner, scan=scan)
        assert (await client.get(path(scan))).json()["phase"] == "Queued"


@pytest.fixture
async def cut_off(without_redis: ApiSettings, redis_outage: TcpProxy) -> AsyncIterator[Api]:
    async with running_api(without_redis) as api:
        yield api
        redis_outage.set(Mode.FORWARD)


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_the_ledger_answers(
    api: Api, cut_off: Api, redis_outage: TcpProxy, tenant: str, mode: Mode
) -> None:
    client, scan = await acquainted(cut_off, "viewer", tenant), await seeded(api, tenant)
    assert (await client.get(path(scan))).json()["phase"] == "Queued"
    redis_outage.set(mode)
    away = reads("away")
    async with api.resources.ledger.transaction(SYSTEM) as session:
        await cancel_scan(session, scan.id, UNWANTED)
    async with asyncio.timeout(3):
        assert (await client.get(path(scan))).json()["phase"] == "Cancelled"
        assert (await client.get(path(make_scan(tenant)))).status_code == 404
    assert reads("away") >= away + 2


@pytest.mark.parametrize(
    "spoil", [lambda redis: redis.config_set("maxmemory", 1), Redis.flushall], ids=["full", "flushed"]
)
async def test_a_redis_that_is_of_no_use_changes_no_answer(
    api: Api,
    viewer: httpx.AsyncClient,
    valkey_server: ValkeyServer,
    tenant: str,
    spoil: Callable[[Redis], "asyncio.Future[object]"],
) -> None:
    scan = await seeded(api, tenant)
    assert (await viewer.get(path(scan))).json()["phase"] == "Queued"
    async with Redis.from_url(valkey_server.url) as redis:
        await spoil(redis)
        try:
            async with api.resources.ledger.transaction(SYSTEM) as session:
                await cancel_scan(session, scan.id, UNWANTED)
            assert (await viewer.get(path(scan))).json()["phase"] == "Cancelled"
            assert (await viewer.get(path(make_scan(tenant)))).status_code == 404
        finally:
            await redis.config_set("maxmemory", 0)


async def test_what_a_stream_has_told_the_next_read_shows(settings: ApiSettings, tenant: str) -> None:
    # A worker that dies between its commit and its word to Redis.
    silent = make_database(owner_url(settings.database_url.get_secret_value()), connections=1)
    async with served_api(settings) as served, await served.client("viewer", tenant) as client:
        scan = await seeded(served.api, tenant)
        assert (await client.get(path(scan))).json()["phase"] == "Queued"
        async with listening(client, f"{path(scan)}/events") as stream:
            await stream.next()
            async with silent.transaction() as session:
                await cancel_scan(session, scan.id, UNWANTED)
            await until(lambda: told(stream, "scan", "Cancelled"), within=15)
            assert (await client.get(path(scan))).json()["phase"] == "Cancelled"
    await silent.close()


async def told(stream: Any, name: str, phase: str) -> bool:
    (event,) = await stream.next()
    return bool(event.name == name and event.data["phase"] == phase)


async def test_a_word_that_was_lost_is_made_up_for_in_seconds(
    api: Api, viewer: httpx.AsyncClient, settings: ApiSettings, tenant: str
) -> None:
    scan = await seeded(api, tenant)
    assert (await viewer.get(path(scan))).json()["phase"] == "Queued"
    silent = make_database(owner_url(settings.database_url.get_secret_value()), connections=1)
    async with silent.transaction() as session:
        await cancel_scan(session, scan.id, UNWANTED)
    await silent.close()

    async def shown() -> bool:
        return bool((await viewer.get(path(scan))).json()["phase"] == "Cancelled")

    await until(shown, within=5)


async def test_an_id_that_is_none_is_refused_as_ever(viewer: httpx.AsyncClient) -> None:
    answers = [await viewer.get(f"/v1/scans/{wrong}") for wrong in ("x", f"{uuid4()}x", "%00")]
    assert {answer.status_code for answer in answers} == {422}
