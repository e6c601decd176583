"""Jobs from claim to outcome, in this process: real Postgres, real sandbox, a scanner that misbehaves as told."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from job_runners import MakeRunner, scanners
from planned_scans import outcome_of, plan_noop_scan, until_outcome
from secapi_core.ledger.database import Database
from secapi_core.ledger.tables import DeadLetter
from secapi_workers.runner import attempt as attempt_module


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
    await make_runner(path_variable="/usr/bin:/bin").run(job_id)
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
