"""Random walks through all transitions, by live and dead attempts alike; after every step the ledger must be in order.

The walk knows nothing of how transitions work. It only knows what must never be: see ``_VIOLATIONS``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncSession

from ledger_factories import (
    BROKEN,
    CRASHED,
    REPORT,
    UNWANTED,
    execute,
    expire_leases,
    fetch,
    make_database,
    make_due,
    make_findings,
    make_plan,
    make_scan,
)
from notifications import Heard, listening
from secapi_core.errors import Superseded
from secapi_core.findings import Severity
from secapi_core.ledger.transitions.cancel import cancel_job, cancel_scan
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.transitions.heartbeat import extend_lease
from secapi_core.ledger.transitions.plan import plan_scan, reject_scan
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.transitions.release import release_job
from secapi_core.ledger.types import ClaimedJob, NewScan

T = TypeVar("T")

_VIOLATIONS = {
    "jobs_open is the number of open jobs": """
        SELECT id FROM scans WHERE jobs_open <> (
            SELECT count(*) FROM scan_jobs WHERE scan_id = scans.id AND state IN ('queued', 'running'))""",
    "every job that ended is counted under its state": """
        SELECT scans.id FROM scans JOIN scan_jobs ON scan_id = scans.id GROUP BY scans.id
        HAVING jobs_succeeded <> count(*) FILTER (WHERE scan_jobs.state = 'succeeded')
            OR jobs_failed <> count(*) FILTER (WHERE scan_jobs.state IN ('failed', 'dead'))
            OR jobs_cancelled <> count(*) FILTER (WHERE scan_jobs.state = 'cancelled')""",
    "a planned scan has ended exactly if no job is open": """
        SELECT id FROM scans WHERE jobs_total > 0 AND (jobs_open = 0) <> (completed_at IS NOT NULL)""",
    "a running job has one running attempt, the current one; others have none": """
        SELECT id FROM scan_jobs WHERE ARRAY(
            SELECT attempt FROM attempts WHERE job_id = scan_jobs.id AND state = 'running')
            <> CASE state WHEN 'running' THEN ARRAY[attempt] ELSE ARRAY[]::integer[] END""",
    "attempts are numbered without gaps": """
        SELECT id FROM scan_jobs WHERE attempt <> (SELECT count(*) FROM attempts WHERE job_id = scan_jobs.id)""",
    "sightings are of succeeded jobs only": """
        SELECT scan_jobs.id FROM sightings JOIN scan_jobs ON scan_jobs.id = job_id WHERE state <> 'succeeded'""",
    "a job counts its own sightings, all of which are its scan's": """
        SELECT id FROM scan_jobs WHERE state = 'succeeded' AND findings <> (
            SELECT count(*) FROM sightings WHERE job_id = scan_jobs.id AND scan_id = scan_jobs.scan_id)""",
    "a scan counts its sightings": """
        SELECT scans.id FROM scans LEFT JOIN sightings ON scan_id = scans.id GROUP BY scans.id
        HAVING findings_critical <> count(*) FILTER (WHERE severity = 'critical')
            OR findings_high <> count(*) FILTER (WHERE severity = 'high')
            OR findings_medium + findings_low <> count(*) FILTER (WHERE severity IN ('medium', 'low'))
            OR findings_info <> count(*) FILTER (WHERE severity = 'info')
            OR findings_new <> count(*) FILTER (WHERE is_new)""",
    "a finding is new once": """
        SELECT finding_id FROM sightings WHERE is_new GROUP BY finding_id HAVING count(*) <> 1""",
    "a queued job has a message": """
        SELECT scan_jobs.id FROM scan_jobs LEFT JOIN outbox ON job_id = scan_jobs.id
        WHERE state = 'queued' AND outbox.id IS NULL""",
    "dead jobs are those in the dead-letter list": """
        SELECT job_id FROM scan_jobs LEFT JOIN dead_letters ON job_id = scan_jobs.id
        WHERE (state = 'dead') <> (job_id IS NOT NULL)""",
    "no job spends more attempts than it may": """
        SELECT id FROM scan_jobs WHERE max_attempts < (
            SELECT count(*) FROM attempts WHERE job_id = scan_jobs.id AND state IN ('failed', 'lost'))""",
    "what was cancelled was asked to be": """
        SELECT id FROM scans WHERE state = 'cancelled' AND (cancel_requested_at IS NULL OR reason IS NULL)""",
}
_ALL_VIOLATIONS = " UNION ALL ".join(f"SELECT $${rule}$$ FROM ({sql}) AS _" for rule, sql in _VIOLATIONS.items())  # noqa: S608 - constants


class Walk(RuleBasedStateMachine):
    """One ledger per walk; attempts stay in use after they lost their jobs."""

    scans: Bundle[NewScan] = Bundle("scans")
    jobs: Bundle[UUID] = Bundle("jobs")
    attempts: Bundle[ClaimedJob] = Bundle("attempts")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.told: dict[UUID, Any] = {}
        self.database = make_database(url, connections=2, changed=self.tell)
        self.ended: dict[UUID, Any] = {}
        self.tried: dict[UUID, int] = {}
        self.heard: list[str] = []
        self.listening = listening(self.database, "secapi_scans")
        self.run(execute(self.database, "TRUNCATE scans, findings, sightings CASCADE"))
        self.listener: Heard = self.run(self.listening.__aenter__())

    def run(self, step: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await step

        return self.runner.run(awaited())

    async def tell(self, summaries: Sequence[str]) -> None:
        for summary in map(json.loads, summaries):
            self.told[UUID(summary["id"])] = summary

    def step(self, transition: Callable[[AsyncSession], Awaitable[T]]) -> T | None:
        """One transition in a transaction; that an attempt is superseded is an answer, not an error."""

        async def transact() -> T:
            async with self.database.transaction() as session:
                return await transition(session)

        try:
            return self.run(transact())
        except Superseded:
            return None

    @rule(target=scans, max_attempts=st.integers(1, 3), gate=st.booleans())
    def register(self, max_attempts: int, gate: bool) -> NewScan:
        scan = make_scan(maxAttempts=max_attempts, gate={"failOn": "high", "onlyNew": True} if gate else None)
        self.step(lambda session: register_scan(session, scan))
        return scan

    @rule(target=jobs, scan=scans, jobs=st.integers(1, 3), number=st.integers(0, 2))
    def plan(self, scan: NewScan, jobs: int, number: int) -> UUID:
        made = make_plan(scan, jobs)
        self.step(lambda session: plan_scan(session, scan, made))
        return made.jobs[min(number, jobs - 1)].id

    @rule(scan=scans)
    def reject(self, scan: NewScan) -> None:
        self.step(lambda session: reject_scan(session, scan, BROKEN))

    @rule(target=attempts, job=jobs)
    def claim(self, job: UUID) -> Any:
        claimed = self.step(lambda session: claim_job(session, job, worker="worker", lease_seconds=600))
        return claimed or multiple()

    @rule(attempt=attempts)
    def heartbeat(self, attempt: ClaimedJob) -> None:
        self.step(
            lambda session: extend_lease(session, attempt.id, attempt.attempt, lease_seconds=600, progress={"x": 1})
        )

    @rule(attempt=attempts, numbers=st.lists(st.integers(0, 9), max_size=8), severity=st.sampled_from(Severity))
    def finish(self, attempt: ClaimedJob, numbers: list[int], severity: Severity) -> None:
        findings = make_findings(numbers, target=attempt.target_key, severity=severity)
        self.step(lambda session: finish_job(session, attempt, findings, [], REPORT))

    @rule(attempt=attempts, failure=st.sampled_from([CRASHED, BROKEN]))
    def fail(self, attempt: ClaimedJob, failure: Any) -> None:
        self.step(lambda session: fail_job(session, attempt.id, attempt.attempt, failure, REPORT))

    @rule(attempt=attempts)
    def release(self, attempt: ClaimedJob) -> None:
        self.step(lambda session: release_job(session, attempt.id, attempt.attempt))

    @rule(scan=scans)
    def cancel(self, scan: NewScan) -> None:
        self.step(lambda session: cancel_scan(session, scan.id, UNWANTED))

    @rule(attempt=attempts)
    def stop(self, attempt: ClaimedJob) -> None:
        stoppable = self.run(
            fetch(self.database, "SELECT id FROM scan_jobs WHERE id = :id AND cancel_requested", id=attempt.id)
        )
        if stoppable:
            self.step(lambda session: cancel_job(session, attempt.id, attempt.attempt))

    @rule(limit=st.integers(1, 3))
    def reap(self, limit: int) -> None:
        self.run(expire_leases(self.database))
        self.step(lambda session: reap_expired(session, limit=limit))

    @rule()
    def wait(self) -> None:
        self.run(make_due(self.database))

    @invariant()
    def nothing_is_out_of_order(self) -> None:
        assert self.run(fetch(self.database, _ALL_VIOLATIONS)) == []

    @invariant()
    def what_ended_never_changes(self) -> None:
        for table in ("scans", "scan_jobs"):
            ended = "completed_at" if table == "scans" else "finished_at"
            rows = self.run(fetch(self.database, f"SELECT * FROM {table} WHERE {ended} IS NOT NULL"))  # noqa: S608 - our names
            for row in rows:
                assert self.ended.setdefault(row.id, row) == row

    @invariant()
    def attempts_never_decrease(self) -> None:
        for job_id, attempt in self.run(fetch(self.database, "SELECT id, attempt FROM scan_jobs")):
            assert attempt >= self.tried.get(job_id, 0)
            self.tried[job_id] = attempt

    @invariant()
    def the_operator_heard_of_every_beginning_and_every_end_once(self) -> None:
        self.heard += self.run(self.listener.all())
        scans = self.run(fetch(self.database, "SELECT namespace, name, started_at, completed_at FROM scans"))
        expected = [
            f"{scan.namespace}/{scan.name}" for scan in scans for time in (scan.started_at, scan.completed_at) if time
        ]
        assert sorted(self.heard) == sorted(expected)

    @invariant()
    def what_was_told_last_of_a_scan_is_what_the_ledger_has(self) -> None:
        rows = self.run(fetch(self.database, "SELECT id, to_jsonb(scans) - 'scope' AS summary FROM scans"))
        assert self.told == {row.id: row.summary for row in rows}

    def teardown(self) -> None:
        self.run(self.listening.__aexit__(None, None, None))
        self.run(self.database.close())
        self.runner.close()


def test_no_walk_through_the_transitions_breaks_the_ledger(database_url: str) -> None:
    run_state_machine_as_test(
        lambda: Walk(database_url),  # type: ignore[arg-type]  # any callable that makes a machine will do
        settings=settings(
            max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
