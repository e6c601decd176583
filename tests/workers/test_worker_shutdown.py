"""How ``secapi-worker`` goes away: jobs finish or are given back, and the process ends in time."""

import asyncio
import signal
import time

import pytest
from redis.asyncio import Redis
from sqlalchemy.engine import make_url

from planned_scans import outcome_of, plan_noop_scan
from running_worker import StartWorker, announce
from secapi_core.ledger.database import Database
from tcp_proxy import Mode, TcpProxy
from waiting import until


async def test_sigterm_lets_a_running_job_finish_and_takes_no_other(
    start: StartWorker, database: Database, redis_url: str
) -> None:
    async with start() as worker:
        running, waiting = await plan_noop_scan(database, seconds=3), await plan_noop_scan(database)
        announce(redis_url, running)
        await until(worker.scanners, within=30)
        worker.process.terminate()
        announce(redis_url, waiting)
        assert await asyncio.to_thread(worker.process.wait, 15) == 0
    assert (await outcome_of(database, running)).job.state == "succeeded"
    assert (await outcome_of(database, waiting)).job.state == "queued"
    async with Redis.from_url(redis_url) as redis:
        assert await redis.llen("scan.code.normal") == 1


@pytest.mark.parametrize(
    ("drain_seconds", "signals"),
    [("1", [signal.SIGTERM]), ("300", [signal.SIGTERM, signal.SIGTERM]), ("300", [signal.SIGQUIT])],
    ids=["patience runs out", "second SIGTERM", "SIGQUIT"],
)
async def test_a_job_that_cannot_finish_is_given_back_and_the_worker_ends(
    start: StartWorker, database: Database, redis_url: str, drain_seconds: str, signals: list[signal.Signals]
) -> None:
    async with start(SECAPI_DRAIN_SECONDS=drain_seconds) as worker:
        job_id = await plan_noop_scan(database, seconds=300, ignoreTermination=True)
        announce(redis_url, job_id)
        await until(worker.scanners, within=30)
        asked = time.monotonic()
        for number in signals:
            worker.process.send_signal(number)
            await asyncio.sleep(0.3)
        assert await asyncio.to_thread(worker.process.wait, 15) == 0
        assert time.monotonic() - asked < 12
    outcome = await outcome_of(database, job_id)
    assert outcome.job.state == "queued"
    assert outcome.attempt_states == ["released"]


async def test_an_idle_worker_ends_at_once(start: StartWorker) -> None:
    async with start() as worker:
        await until(worker.is_ready, within=30)
        asked = time.monotonic()
        worker.process.terminate()
        assert await asyncio.to_thread(worker.process.wait, 15) == 0
        assert time.monotonic() - asked < 5


async def test_a_worker_without_a_broker_can_be_ended(start: StartWorker) -> None:
    async with start(redis_url="redis://127.0.0.1:1/0") as worker:
        await until(lambda: worker.get("/readyz") == "not connected to the broker\n", within=30)
        worker.process.terminate()
        assert await asyncio.to_thread(worker.process.wait, 15) == 0


async def test_a_worker_whose_broker_is_silent_can_be_ended(
    start: StartWorker, database: Database, redis_url: str
) -> None:
    async with TcpProxy.before("127.0.0.1", make_url(redis_url).port or 0) as broker:
        through_proxy = make_url(redis_url).set(port=broker.port).render_as_string(hide_password=False)
        async with start(redis_url=through_proxy, SECAPI_DRAIN_SECONDS="0") as worker:
            job_id = await plan_noop_scan(database, seconds=300)
            announce(redis_url, job_id)
            await until(worker.scanners, within=30)
            broker.set(Mode.FREEZE)
            worker.process.terminate()
            assert await asyncio.to_thread(worker.process.wait, 25) == 0
        assert (await outcome_of(database, job_id)).attempt_states == ["released"]


async def test_a_worker_that_is_still_starting_can_be_ended(start: StartWorker) -> None:
    async with start() as worker:
        await until(lambda: list((worker.directory / "work").glob("process-*")), within=30)
        worker.process.terminate()
        assert await asyncio.to_thread(worker.process.wait, 15) == 0
