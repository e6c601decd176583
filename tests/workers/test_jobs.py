"""Jobs from claim to outcome, in this process: real Postgres, real sandbox, a scanner that misbehaves as told."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from planned_scans import install_noop, noop_processes, outcome_of, plan_noop_scan, until_outcome
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.database import Database
from secapi_core.ledger.tables import DeadLetter
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.types import IngestCounts
from secapi_core.objects import ArtifactStore
from secapi_core.settings import LeaseSettings, Settings
from secapi_workers.runner import attempt as attempt_module
from secapi_workers.runner.attempt import Equipment
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.jobs import Drained, JobRunner
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import Workspace
from secapi_workers.sources.prepare import Sources
from tcp_proxy import Mode, TcpProxy
from waiting import until

LEASES = LeaseSettings(lease_seconds=2.0, heartbeat_seconds=0.2)
MakeRunner = Callable[..., JobRunner]


def open_database(url: str) -> Database:
    return Database(Settings.model_validate({"database_url": url, "database_pool_size": 4}), application="test")


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[TcpProxy]:
    """What is between the worker and Postgres."""
    url = make_url(database_url)
    assert url.host
    assert url.port
    async with TcpProxy.before(url.host, url.port) as proxy:
        yield proxy


@pytest.fixture
def draining() -> Iterator[Draining]:
    draining = Draining()
    yield draining
    draining.close()


@pytest.fixture
async def make_runner(
    database_url: str, proxy: TcpProxy, sandbox: Sandbox, draining: Draining, tmp_path: Path
) -> AsyncIterator[MakeRunner]:
    """Make a worker process's job runner; a job has ``patience`` once draining begins."""
    install_noop(tmp_path / "tools")
    path_variable = f"{tmp_path}/tools/bin:/usr/bin:/bin"
    async with AsyncExitStack() as stack:

        def make(*, leases: LeaseSettings = LEASES, patience: float = 60.0, tools: str = path_variable) -> JobRunner:
            through_proxy = make_url(database_url).set(host="127.0.0.1", port=proxy.port)
            worker_database = open_database(through_proxy.render_as_string(hide_password=False))
            stack.push_async_callback(worker_database.close)
            workspace = Workspace(tmp_path / "work")
            stack.callback(workspace.close)
            sources = Sources(
                store=ArtifactStore("memory:///"), sandbox=sandbox, max_bytes=2**20, seconds=20, path_variable=tools
            )
            equipment = Equipment(
                database=worker_database, sandbox=sandbox, workspace=workspace, sources=sources, path_variable=tools
            )
            return JobRunner(equipment, leases=leases, draining=draining, patience=patience, worker="test:1")

        yield make
    # Nothing of any run stays.
    assert list((tmp_path / "work").glob("*/run-*")) == []


def scanners() -> list[psutil.Process]:
    """No-op scanners below this process."""
    return noop_processes(os.getpid())


async def scanning() -> psutil.Process:
    """The scanner, once it runs."""
    return (await until(scanners))[0]


async def test_a_job_is_run_and_its_findings_are_committed(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database, findings=7)
    await make_runner().run(job_id)
    outcome = await outcome_of(database, job_id)
    assert outcome.job.state == "succeeded"
    assert outcome.scan.state == "succeeded"
    assert outcome.sightings == 7
    assert outcome.attempt_states == ["succeeded"]
    stats = outcome.attempts[0].stats
    assert stats is not None
    assert {"preparing_seconds", "scanning_seconds", "scan_cpu_seconds", "report_bytes"} <= stats.keys()
    assert outcome.attempts[0].exit_code == 0
    assert outcome.attempts[0].worker == "test:1"


async def test_a_second_delivery_finds_nothing_to_do(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database)
    runner = make_runner()
    await runner.run(job_id)
    await runner.run(job_id)
    assert (await outcome_of(database, job_id)).attempt_states == ["succeeded"]


async def test_a_delivery_of_no_job_is_dropped(make_runner: MakeRunner) -> None:
    await make_runner().run(uuid4())


async def test_a_bad_exit_fails_the_job_for_a_typed_reason(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database, exitCode=3)
    await make_runner().run(job_id)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.reason) == ("failed", "ScannerFailed")
    assert outcome.job.message == "secapi-noop ended with exit status 3"
    assert outcome.sightings == 0
    assert outcome.attempts[0].exit_code == 3


async def test_a_retryable_failure_queues_the_job_again(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database, exitCode=42)
    await make_runner().run(job_id)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.reason) == ("queued", "TargetUnreachable")
    assert outcome.attempt_states == ["failed"]


async def test_the_last_failure_puts_the_job_on_the_dead_letter_list(
    database: Database, make_runner: MakeRunner
) -> None:
    job_id = await plan_noop_scan(database, exitCode=42, spec={"maxAttempts": 1})
    await make_runner().run(job_id)
    assert (await outcome_of(database, job_id)).job.state == "dead"
    async with database.transaction() as session:
        letter = (await session.scalars(select(DeadLetter))).one()
    assert (letter.job_id, letter.reason) == (job_id, "TargetUnreachable")


async def test_a_missing_tool_is_named(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database)
    await make_runner(tools="/usr/bin:/bin").run(job_id)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.reason) == ("failed", "ToolMissing")
    assert outcome.job.message is not None
    assert outcome.job.message.startswith("secapi-noop is not installed on this worker")


async def test_a_job_that_takes_too_long_is_ended(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database, seconds=300, spec={"timeoutSeconds": 1})
    await make_runner().run(job_id)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.reason) == ("failed", "TimedOut")
    assert not scanners()


async def test_a_flood_of_output_is_cut_off(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database, floodMib=600)
    await make_runner().run(job_id)
    assert (await outcome_of(database, job_id)).job.reason == "OutputTooLarge"


async def test_a_report_that_cannot_be_read_fails_the_job_and_stores_nothing(
    database: Database, make_runner: MakeRunner, tmp_path: Path
) -> None:
    runner = make_runner()
    (tmp_path / "tools/bin/secapi-noop").write_text('#!/bin/sh\necho "{" > "${1#--output=}"\n')
    job_id = await plan_noop_scan(database)
    await runner.run(job_id)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.reason) == ("failed", "OutputInvalid")


async def test_what_the_tool_complained_of_is_kept(database: Database, make_runner: MakeRunner, tmp_path: Path) -> None:
    runner = make_runner()
    (tmp_path / "tools/bin/secapi-noop").write_text("#!/bin/sh\necho cannot find my hat >&2\nexit 3\n")
    job_id = await plan_noop_scan(database)
    await runner.run(job_id)
    outcome = await outcome_of(database, job_id)
    assert outcome.attempts[0].log_tail == "cannot find my hat\n"
    assert outcome.job.message == "secapi-noop ended with exit status 3: cannot find my hat"


async def test_a_forbidden_target_is_not_scanned(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database)
    async with database.transaction() as session:
        await session.execute(text("UPDATE scans SET scope = '{}'"))
    await make_runner().run(job_id)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.reason) == ("failed", "TargetForbidden")


async def test_a_defect_fails_the_job_and_not_the_worker(
    database: Database, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(attempt_module, "judge", broken)
    job_id = await plan_noop_scan(database)
    await make_runner().run(job_id)
    outcome = await outcome_of(database, job_id)
    assert (outcome.job.state, outcome.job.reason) == ("queued", "InternalError")
    assert "ZeroDivisionError" in str(outcome.job.message)


async def test_progress_is_stored_while_the_lease_is_kept(database: Database, make_runner: MakeRunner) -> None:
    job_id = await plan_noop_scan(database, seconds=3)
    running = asyncio.create_task(make_runner().run(job_id))

    seen = await until_outcome(database, job_id, lambda o: (o.job.progress or {}).get("phase") == "scanning")
    await until_outcome(database, job_id, lambda o: o.job.lease_until != seen.job.lease_until)
    await running
    # Longer than the lease, so without heartbeats it would not have been allowed to commit.
    assert (await outcome_of(database, job_id)).job.state == "succeeded"


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
    database: Database, make_runner: MakeRunner, proxy: TcpProxy
) -> None:
    leases = LeaseSettings(lease_seconds=20, heartbeat_seconds=0.2)
    job_id = await plan_noop_scan(database, seconds=1.5, findings=3)
    running = asyncio.create_task(make_runner(leases=leases).run(job_id))
    await scanning()
    proxy.set(Mode.REFUSE)
    # The scanner ends while the database is away, so heartbeats and the commit both have to wait for it.
    await until(lambda: not scanners())
    await asyncio.sleep(0.5)
    proxy.set(Mode.FORWARD)
    await running
    outcome = await outcome_of(database, job_id)
    assert outcome.job.state == "succeeded"
    assert outcome.sightings == 3
    assert outcome.attempt_states == ["succeeded"]


@pytest.mark.parametrize("fault", [Mode.REFUSE, Mode.FREEZE])
async def test_p5_a_worker_that_cannot_reach_postgres_gives_up_when_its_lease_ends(
    database: Database, make_runner: MakeRunner, proxy: TcpProxy, fault: Mode
) -> None:
    job_id = await plan_noop_scan(database, seconds=300)
    running = asyncio.create_task(make_runner().run(job_id))
    scanner = await scanning()
    proxy.set(fault)
    cut_off = time.monotonic()
    await until(lambda: not scanner.is_running())
    assert time.monotonic() - cut_off < LEASES.lease_seconds + 3
    await asyncio.wait_for(running, 10)
    proxy.set(Mode.FORWARD)
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


async def test_p5_a_claim_waits_for_postgres(database: Database, make_runner: MakeRunner, proxy: TcpProxy) -> None:
    job_id = await plan_noop_scan(database)
    proxy.set(Mode.REFUSE)
    running = asyncio.create_task(make_runner().run(job_id))
    await asyncio.sleep(0.5)
    assert not running.done()
    proxy.set(Mode.FORWARD)
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
    database: Database, make_runner: MakeRunner, draining: Draining, proxy: TcpProxy
) -> None:
    proxy.set(Mode.REFUSE)
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
