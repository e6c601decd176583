"""A ``secapi-worker`` at work, with real Postgres and Valkey: jobs from their message to their findings, and crashes.

One worker serves all of these tests, so what it counts is compared with what it counted before.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import orjson
import psutil
import pytest
from redis.asyncio import Redis

from planned_scans import outcome_of, plan_noop_scan, until_outcome
from running_worker import RunningWorker, announce, running_worker
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.settings import Settings
from secapi_dev.ports import Ports
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer
from stack_fixtures import TEMPLATE
from waiting import until


@pytest.fixture(scope="module")
async def shared_database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    yield await postgres_server.clone_database(TEMPLATE, "shared_worker")
    await postgres_server.drop_database("shared_worker")


@pytest.fixture(scope="module")
async def database(shared_database_url: str) -> AsyncIterator[Database]:
    database = Database(Settings.model_validate({"database_url": shared_database_url}), application="test")
    yield database
    await database.close()


@pytest.fixture(scope="module")
def redis_url(valkey_server: ValkeyServer) -> str:
    return valkey_server.url


@pytest.fixture(scope="module")
async def worker(
    shared_database_url: str, redis_url: str, ports: Ports, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningWorker]:
    addresses = {"database_url": shared_database_url, "redis_url": redis_url}
    async with running_worker(tmp_path_factory.mktemp("worker"), ports.reserve(), **addresses) as worker:
        yield worker


async def test_a_job_runs_from_its_message_to_its_findings(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    await until(worker.is_ready, within=30)
    new, turnaround = (
        'findings_total{kind="new",scanner="noop"}',
        'submit_to_finish_seconds_count{pool="code",priority="normal"}',
    )
    before = worker.succeeded(), worker.metric(f"secapi_worker_{new}"), worker.metric(f"secapi_worker_{turnaround}")
    job_id = await plan_noop_scan(database, findings=4, label="first")
    announce(redis_url, job_id)
    outcome = await until_outcome(database, job_id, lambda o: o.scan.state == "succeeded", within=30)
    assert outcome.sightings == 4
    await until(lambda: worker.succeeded() == before[0] + 1)
    assert worker.metric(f"secapi_worker_{new}") == before[1] + 4
    assert worker.metric(f"secapi_worker_{turnaround}") == before[2] + 1


async def test_how_a_scan_ended_is_written_to_redis_too(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    job_id = await plan_noop_scan(database)
    announce(redis_url, job_id)
    scan = (await until_outcome(database, job_id, lambda o: o.scan.state == "succeeded", within=30)).scan
    async with Redis.from_url(redis_url) as redis:

        async def written() -> bool:
            summary = await redis.hget(f"scan:{scan.id}", "summary")
            return summary is not None and bool(orjson.loads(summary)["version"] == scan.version)

        await until(written)


async def test_a_duplicate_delivery_runs_the_job_once(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    dropped = 'secapi_worker_deliveries_total{result="dropped"}'
    before = worker.metric(dropped)
    job_id = await plan_noop_scan(database)
    announce(redis_url, job_id, job_id, job_id)
    await until(lambda: worker.metric(dropped) == before + 2, within=30)
    assert (await outcome_of(database, job_id)).attempt_states == ["succeeded"]


async def test_a_message_of_no_job_is_dropped(worker: RunningWorker, database: Database, redis_url: str) -> None:
    job_id = await plan_noop_scan(database)
    announce(redis_url, uuid4(), job_id)
    await until_outcome(database, job_id, lambda o: o.job.state == "succeeded", within=30)
    async with Redis.from_url(redis_url) as redis:
        assert await redis.llen("scan.code.normal") == 0


async def test_p3_a_killed_process_leaves_no_scanner_and_the_pool_goes_on(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    job_id = await plan_noop_scan(database, seconds=300, children=2)
    announce(redis_url, job_id)
    await until(lambda: len(worker.scanners()) == 3, within=30)
    scanners, (process,) = worker.scanners(), worker.pool()
    process.kill()
    assert psutil.wait_procs(scanners, timeout=5)[1] == []
    another = await plan_noop_scan(database)
    announce(redis_url, another)
    await until_outcome(database, another, lambda o: o.job.state == "succeeded", within=30)
    assert (await outcome_of(database, job_id)).job.state == "running", "the reaper's to take back"


async def test_p2_a_frozen_worker_cannot_commit_after_its_lease(
    worker: RunningWorker, database: Database, redis_url: str
) -> None:
    lost = 'secapi_worker_leases_lost_total{scanner="noop"}'
    before = worker.metric(lost)
    job_id = await plan_noop_scan(database, seconds=1, findings=3)
    announce(redis_url, job_id)
    await until(worker.scanners, within=30)
    (process,) = worker.pool()
    process.suspend()

    async with asyncio.timeout(20):
        while not await reaped(database, job_id):
            await asyncio.sleep(0.1)
    async with database.transaction() as session:
        assert await claim_job(session, job_id, worker="another", lease_seconds=60)
    process.resume()
    await until(lambda: worker.metric(lost) == before + 1)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.worker) == ("running", "another")
    assert outcome.sightings == 0


async def reaped(database: Database, job_id: UUID) -> bool:
    """Run the reaper; whether it has taken the job back."""
    async with database.transaction() as session:
        return job_id in {job.id for job in await reap_expired(session, limit=10)}


async def test_a_scanner_cannot_read_the_workers_secrets(worker: RunningWorker) -> None:
    await until(worker.supervisors, within=30)
    # Scanners run as the same user and can read what their parent was started with.
    (supervisor,) = worker.supervisors()
    assert supervisor.environ() == {}
