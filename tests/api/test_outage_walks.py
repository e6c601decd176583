"""Every route while Postgres or Redis is away: P4 and P5, wherever somebody asks."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from redis.asyncio import Redis

from api_harness import Api, running_api
from every_route import ROUTES, Things, call
from secapi_api.settings import ApiSettings
from secapi_dev.servers.valkey import ValkeyServer
from tcp_proxy import Mode, TcpProxy

PATIENCE = 8.0
"""Seconds within which there must be an answer, whatever it is."""

pytestmark = pytest.mark.timeout(180)


async def walked(healthy: Api, other: Api, namespace: str) -> dict[str, httpx.Response]:
    """What every route of ``other`` answers to the right role; what it needs is made by ``healthy``."""
    answers = {}
    for route in ROUTES:
        client = other.anonymous()
        client.headers["Authorization"] = f"Bearer {await healthy.key(route.role, None)}"
        async with asyncio.timeout(PATIENCE):
            answers[f"{route.method} {route.path}"] = await call(client, route, Things(healthy, namespace))
    return answers


def statuses(answers: dict[str, httpx.Response]) -> dict[str, int]:
    return {route: answer.status_code for route, answer in answers.items()}


AS_EVER = {f"{route.method} {route.path}": route.status for route in ROUTES}


async def test_without_postgres_every_route_says_when_to_come_back(
    api: Api, without_database: ApiSettings, database_outage: TcpProxy, namespace: str
) -> None:
    async with running_api(without_database) as cut_off:
        database_outage.set(Mode.REFUSE)
        answers = await walked(api, cut_off, namespace)
    assert {answer.json()["type"] for answer in answers.values()} == {"urn:secapi:problem:ledger-unavailable"}
    assert set(statuses(answers).values()) == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers.values())


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.FREEZE])
async def test_without_redis_every_route_is_served(
    api: Api, without_redis: ApiSettings, redis_outage: TcpProxy, namespace: str, mode: Mode
) -> None:
    async with running_api(without_redis) as cut_off:
        redis_outage.set(mode)
        assert statuses(await walked(api, cut_off, namespace)) == AS_EVER


@pytest.mark.parametrize(
    "spoil", [lambda redis: redis.config_set("maxmemory", 1), Redis.flushall], ids=["full", "flushed"]
)
async def test_with_a_redis_that_is_of_no_use_every_route_is_served(
    api: Api, valkey_server: ValkeyServer, namespace: str, spoil: Callable[[Redis], "asyncio.Future[object]"]
) -> None:
    async with Redis.from_url(valkey_server.url) as redis:
        await spoil(redis)
        try:
            assert statuses(await walked(api, api, namespace)) == AS_EVER
        finally:
            await redis.config_set("maxmemory", 0)
