"""``secapi-worker`` while the servers it needs are away, flushed or full: promises P4 and P5."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sqlalchemy.engine import make_url

from planned_scans import plan_noop_scan, until_outcome
from running_worker import RunningWorker, StartWorker, announce
from secapi_core.ledger.database import Database
from secapi_dev.processes.state import StateDirectory
from secapi_dev.servers.migrations import migrate
from tcp_proxy import Mode, TcpProxy
from waiting import until


@pytest.fixture
async def broker(redis_url: str) -> AsyncIterator[TcpProxy]:
    """What is between the worker and Valkey."""
    async with TcpProxy.before("127.0.0.1", make_url(redis_url).port or 0) as proxy:
        yield proxy


def through(proxy: TcpProxy, url: str) -> str:
    """The same address, by way of ``proxy``."""
    return make_url(url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)


async def says(worker: RunningWorker, word: str) -> None:
    """Wait until readiness mentions ``word``. In a thread, as the proxies run in this one."""
    async with asyncio.timeout(30):
        while word not in await asyncio.to_thread(worker.get, "/readyz"):
            await asyncio.sleep(0.1)


async def test_p4_a_flushed_broker_disturbs_neither_the_running_job_nor_the_next(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    running, later = await plan_noop_scan(database, seconds=2), await plan_noop_scan(database)
    announce(redis_url, running)
    await until(worker.scanners, within=30)
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    await until_outcome(database, running, lambda o: o.job.state == "succeeded", within=15)
    announce(redis_url, later)
    await until_outcome(database, later, lambda o: o.job.state == "succeeded", within=30)


@pytest.mark.parametrize("fault", [Mode.REFUSE, Mode.FREEZE])
async def test_p4_an_outage_of_the_broker_disturbs_neither_the_running_job_nor_the_next(
    start: StartWorker, database: Database, redis_url: str, broker: TcpProxy, fault: Mode
) -> None:
    async with start(redis_url=through(broker, redis_url)) as worker:
        running, later = await plan_noop_scan(database, seconds=2), await plan_noop_scan(database)
        announce(redis_url, running)
        await until(worker.scanners, within=30)
        broker.set(fault)
        await until_outcome(database, running, lambda o: o.job.state == "succeeded", within=15)
        if fault is Mode.REFUSE:
            await says(worker, "broker")
        broker.set(Mode.FORWARD)
        announce(redis_url, later)
        await until_outcome(database, later, lambda o: o.job.state == "succeeded", within=60)


async def test_p4_a_full_broker_is_survived(worker: RunningWorker, database: Database, redis_url: str) -> None:
    running, later = await plan_noop_scan(database, seconds=2), await plan_noop_scan(database)
    announce(redis_url, running)
    await until(worker.scanners, within=30)
    async with Redis.from_url(redis_url) as redis:
        await redis.config_set("maxmemory", "1")
        try:
            await until_outcome(database, running, lambda o: o.job.state == "succeeded", within=15)
            await asyncio.sleep(1)
        finally:
            await redis.config_set("maxmemory", "0")
    # It either goes on or has ended, to be started again.
    if worker.process.poll() is None:
        announce(redis_url, later)
        await until_outcome(database, later, lambda o: o.job.state == "succeeded", within=30)
    else:
        assert worker.process.returncode > 0


async def test_a_worker_that_starts_before_its_servers_waits_for_them(
    start: StartWorker,
    database: Database,
    database_url: str,
    redis_url: str,
    broker: TcpProxy,
    ledger: TcpProxy,
) -> None:
    broker.set(Mode.REFUSE)
    ledger.set(Mode.REFUSE)
    async with start(redis_url=through(broker, redis_url), database_url=through(ledger, database_url)) as worker:
        await says(worker, "broker")
        assert await asyncio.to_thread(worker.get, "/healthz") == "ok\n"
        job_id = await plan_noop_scan(database)
        announce(redis_url, job_id)
        broker.set(Mode.FORWARD)
        await says(worker, "database")
        ledger.set(Mode.FORWARD)
        await until_outcome(database, job_id, lambda o: o.job.state == "succeeded", within=30)
        await says(worker, "ok")


async def test_a_worker_is_not_ready_before_somebody_has_migrated_the_database(
    start: StartWorker, empty_database_url: str, server_state: StateDirectory
) -> None:
    async with start(database_url=empty_database_url) as worker:
        await says(worker, "run secapi-migrate")
        await migrate(empty_database_url, server_state)
        await says(worker, "ok")
