"""Jobs that are cut short: cancelled, lost to another worker, without a database, given back. P2, P5 and P8."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from job_runners import LEASES, MakeRunner, scanners, scanning
from planned_scans import outcome_of, plan_noop_scan
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.types import IngestCounts
from secapi_core.settings import LeaseSettings
from secapi_workers.runner import attempt as attempt_module
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import Drained
from tcp_proxy import Mode, TcpProxy
from waiting import until


@pytest.mark.parametrize("stubborn", [False, True], ids=["polite", "ignoring SIGTERM"])
async def test_p8_a_cancelled_job_stops_within_ten_seconds(
    database: Database, make_runner: MakeRunner, stubborn: bool
) -> None:
    job_id = await plan_noop_scan(database, seconds=300, children=3, ignoreTermination=stubborn)
    running = asyncio.create_task(make_runner().run(job_id))
    await scanning()
    asked = time.monotonic()
    async with database.transaction() as session:
        scan_id = (await outcome_of(database, job_id)).scan.id
        await cancel_scan(session, scan_id, Failure(FailureReason.CANCELLED, "no longer wanted"))
    await running
    assert time.monotonic() - asked < 10
    assert not scanners()
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.scan.state) == ("cancelled", "cancelled")
    assert outcome.attempt_states == ["cancelled"]


async def steal(database: Database, job_id: UUID) -> None:
    """What the reaper and another worker do with a job whose lease ran out."""
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE attempts SET state = 'lost', finished_at = now() WHERE job_id = :id"), {"id": job_id}
        )
        await session.execute(
            text("UPDATE scan_jobs SET state = 'queued', lease_until = NULL WHERE id = :id"), {"id": job_id}
        )
        assert await claim_job(session, job_id, worker="thief", lease_seconds=60)


async def test_p2_a_superseded_attempt_kills_its_scanner_and_changes_nothing(
    database: Database, make_runner: MakeRunner
) -> None:
    job_id = await plan_noop_scan(database, seconds=300)
    running = asyncio.create_task(make_runner().run(job_id))
    scanner = await scanning()
    await steal(database, job_id)
    await asyncio.wait_for(running, 10)
    assert not scanner.is_running()
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.worker) == ("running", "thief")
    assert outcome.attempt_states == ["lost", "running"]


async def test_p2_results_of_a_superseded_attempt_are_refused(database: Database, make_runner: MakeRunner) -> None:
    # Without a heartbeat in between, as after SIGSTOP: the worker only learns of its loss when it commits.
    frozen = LeaseSettings(lease_seconds=600, heartbeat_seconds=60)
    job_id = await plan_noop_scan(database, seconds=1, findings=3)
    running = asyncio.create_task(make_runner(leases=frozen).run(job_id))
    await scanning()
    await steal(database, job_id)
    await running
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.worker) == ("running", "thief")
    assert outcome.sightings == 0


async def test_p5_a_short_outage_of_postgres_does_not_disturb_a_scan(
    database: Database, make_runner: MakeRunner, ledger: TcpProxy
) -> None:
    leases = LeaseSettings(lease_seconds=20, heartbeat_seconds=0.2)
    job_id = await plan_noop_scan(database, seconds=1.5, findings=3)
    running = asyncio.create_task(make_runner(leases=leases).run(job_id))
    await scanning()
    ledger.set(Mode.REFUSE)
    # The scanner ends while the database is away, so heartbeats and the commit both have to wait for it.
    await until(lambda: not scanners())
    await asyncio.sleep(0.5)
    ledger.set(Mode.FORWARD)
    await running
    outcome = await outcome_of(database, job_id)
    assert outcome.job.state == "succeeded"
    assert outcome.sightings == 3
    assert outcome.attempt_states == ["succeeded"]


@pytest.mark.parametrize("fault", [Mode.REFUSE, Mode.FREEZE])
async def test_p5_a_worker_that_cannot_reach_postgres_gives_up_when_its_lease_ends(
    database: Database, make_runner: MakeRunner, ledger: TcpProxy, fault: Mode
) -> None:
    job_id = await plan_noop_scan(database, seconds=300)
    running = asyncio.create_task(make_runner().run(job_id))
    scanner = await scanning()
    ledger.set(fault)
    cut_off = time.monotonic()
    await until(lambda: not scanner.is_running())
    assert time.monotonic() - cut_off < LEASES.lease_seconds + 3
    await asyncio.wait_for(running, 10)
    ledger.set(Mode.FORWARD)
    # What becomes of the job is the reaper's business.
    assert (await outcome_of(database, job_id)).job.state == "running"


async def test_p2_a_commit_whose_answer_is_lost_counts_once(
    database: Database, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner()
    transaction = runner.equipment.database.transaction
    commits: list[str] = []

    @asynccontextmanager
    async def transaction_that_loses_an_answer() -> AsyncIterator[AsyncSession]:
        async with transaction() as session:
            yield session
        if commits == ["finish"]:
            commits.append("lost")
            raise ConnectionResetError("the answer to COMMIT got lost")

    async def noted_finish(*arguments: Any) -> IngestCounts:
        commits.append("finish")
        return await finish_job(*arguments)

    monkeypatch.setattr(runner.equipment.database, "transaction", transaction_that_loses_an_answer)
    monkeypatch.setattr(attempt_module, "finish_job", noted_finish)
    job_id = await plan_noop_scan(database, findings=3)
    await runner.run(job_id)
    assert commits == ["finish", "lost", "finish"]
    outcome = await outcome_of(database, job_id)
    assert outcome.job.state == "succeeded"
    assert outcome.attempt_states == ["succeeded"]
    assert outcome.sightings == 3
    assert outcome.scan.jobs_succeeded == 1


async def test_p5_a_claim_waits_for_postgres(database: Database, make_runner: MakeRunner, ledger: TcpProxy) -> None:
    job_id = await plan_noop_scan(database)
    ledger.set(Mode.REFUSE)
    running = asyncio.create_task(make_runner().run(job_id))
    await asyncio.sleep(0.5)
    assert not running.done()
    ledger.set(Mode.FORWARD)
    await running
    assert (await outcome_of(database, job_id)).job.state == "succeeded"


async def test_a_draining_worker_claims_nothing(
    database: Database, make_runner: MakeRunner, draining: Draining
) -> None:
    job_id = await plan_noop_scan(database)
    draining.begin()
    with pytest.raises(Drained):
        await make_runner().run(job_id)
    assert (await outcome_of(database, job_id)).job.state == "queued"


async def test_a_draining_worker_that_waits_for_postgres_lets_go(
    database: Database, make_runner: MakeRunner, draining: Draining, ledger: TcpProxy
) -> None:
    ledger.set(Mode.REFUSE)
    running = asyncio.create_task(make_runner().run(await plan_noop_scan(database)))
    await asyncio.sleep(0.3)
    draining.begin()
    with pytest.raises(Drained):
        await asyncio.wait_for(running, 10)


async def test_a_job_that_ends_within_the_patience_is_finished(
    database: Database, make_runner: MakeRunner, draining: Draining
) -> None:
    job_id = await plan_noop_scan(database, seconds=1)
    running = asyncio.create_task(make_runner(patience=30).run(job_id))
    await scanning()
    draining.begin()
    await running
    assert (await outcome_of(database, job_id)).job.state == "succeeded"


async def test_a_job_that_does_not_is_given_back_at_no_cost(
    database: Database, make_runner: MakeRunner, draining: Draining
) -> None:
    job_id = await plan_noop_scan(database, seconds=300, spec={"maxAttempts": 1})
    running = asyncio.create_task(make_runner(patience=0.2).run(job_id))
    await scanning()
    draining.begin()
    await asyncio.wait_for(running, 10)
    assert not scanners()
    outcome = await outcome_of(database, job_id)
    assert outcome.job.state == "queued"
    assert outcome.attempt_states == ["released"]
    async with database.transaction() as session:
        again = await claim_job(session, job_id, worker="another", lease_seconds=60)
    assert again is not None
    assert again.attempt == 2
