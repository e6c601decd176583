"""register, plan and reject: a scan enters the ledger once, whoever comes first and however often."""

import asyncio

import pytest

from ledger_factories import SCANNER, UNWANTED, fetch, make_plan, make_scan
from notifications import listening
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.database import Database
from secapi_core.ledger.states import ScanState
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.plan import plan_scan, reject_scan
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.types import NewScan
from secapi_core.planning import Plan

FORBIDDEN = Failure(FailureReason.TARGET_FORBIDDEN, "10.0.0.1 is not allowed")


async def plan(database: Database, scan: NewScan, made: Plan | None = None) -> bool:
    async with database.transaction() as session:
        return await plan_scan(session, scan, made or make_plan(scan, 2))


async def reject(database: Database, scan: NewScan) -> bool:
    async with database.transaction() as session:
        return await reject_scan(session, scan, FORBIDDEN)


async def register(database: Database, scan: NewScan) -> None:
    async with database.transaction() as session:
        await register_scan(session, scan)


async def state_of(database: Database) -> str:
    ((state,),) = await fetch(database, "SELECT state FROM scans")
    return str(state)


async def test_a_registered_scan_is_pending(database: Database) -> None:
    scan = make_scan(priority="interactive")

    await register(database, scan)

    (row,) = await fetch(database, "SELECT * FROM scans")
    assert (row.id, row.namespace, row.name, row.submitted_by) == (scan.id, "team-a", scan.name, "key:test")
    assert (row.state, row.priority, row.jobs_total) == ("pending", "interactive", 0)
    assert row.spec == scan.spec.to_wire()


async def test_registering_a_planned_scan_changes_nothing(database: Database) -> None:
    scan = make_scan()
    await plan(database, scan)

    await register(database, scan)

    assert await state_of(database) == "queued"


async def test_a_plan_queues_its_jobs_with_a_message_each(database: Database) -> None:
    scan = make_scan(priority="bulk")
    made = make_plan(scan, 3)

    assert await plan(database, scan, made)

    jobs = await fetch(
        database,
        "SELECT j.id, j.state, j.target, o.queue FROM scan_jobs j JOIN outbox o ON o.job_id = j.id ORDER BY o.id",
    )
    assert [tuple(row) for row in jobs] == [
        (job.id, "queued", job.target.to_wire(), "scan.code.bulk") for job in made.jobs
    ]
    ((state, total, open_, scope),) = await fetch(database, "SELECT state, jobs_total, jobs_open, scope FROM scans")
    assert (state, total, open_, scope) == ("queued", 3, 3, made.scope.to_wire())


async def test_a_plan_keeps_the_scanners_it_was_made_with(database: Database) -> None:
    first, second = make_scan(), make_scan()

    await plan(database, first)
    await plan(database, second)

    ((name, spec),) = await fetch(database, "SELECT name, spec FROM scanner_specs")
    assert (name, spec) == ("bandit", SCANNER.to_wire())


async def test_a_registered_scan_can_be_planned(database: Database) -> None:
    scan = make_scan()
    await register(database, scan)

    assert await plan(database, scan)
    assert await state_of(database) == "queued"


async def test_planning_again_changes_nothing(database: Database) -> None:
    scan = make_scan()
    await plan(database, scan)

    assert not await plan(database, scan)
    assert await fetch(database, "SELECT count(*), (SELECT count(*) FROM outbox) FROM scan_jobs") == [(2, 2)]


async def test_of_planners_at_the_same_time_one_plans(database: Database) -> None:
    for _ in range(5):
        scan = make_scan()

        planned = await asyncio.gather(*(plan(database, scan) for _ in range(6)))

        assert planned.count(True) == 1
        assert await fetch(database, "SELECT jobs_total, jobs_open FROM scans WHERE id = :id", id=scan.id) == [(2, 2)]
        assert len(await fetch(database, "SELECT id FROM scan_jobs WHERE scan_id = :id", id=scan.id)) == 2


async def test_a_plan_without_jobs_is_an_error_of_the_caller(database: Database) -> None:
    scan = make_scan()

    with pytest.raises(ValueError, match="never ends"):
        await plan(database, scan, Plan(jobs=[], scope=make_plan(scan).scope))


async def test_a_rejected_scan_has_failed_with_its_reason(database: Database) -> None:
    scan = make_scan()
    await register(database, scan)

    assert await reject(database, scan)

    (row,) = await fetch(database, "SELECT state, reason, message, completed_at, jobs_total FROM scans")
    assert (row.state, row.reason, row.message) == ("failed", "TargetForbidden", "10.0.0.1 is not allowed")
    assert row.completed_at is not None
    assert row.jobs_total == 0


async def test_a_rejected_scan_stays_rejected(database: Database) -> None:
    scan = make_scan()
    assert await reject(database, scan)

    assert not await plan(database, scan)
    assert not await reject(database, scan)
    assert await state_of(database) == "failed"


async def test_a_planned_scan_cannot_be_rejected(database: Database) -> None:
    scan = make_scan()
    await plan(database, scan)

    assert not await reject(database, scan)
    assert await state_of(database) == "queued"


async def test_a_scan_cancelled_before_it_was_planned_stays_cancelled(database: Database) -> None:
    scan = make_scan()
    await register(database, scan)
    async with database.transaction() as session:
        assert await cancel_scan(session, scan.id, UNWANTED) is ScanState.CANCELLED

    assert not await plan(database, scan)
    assert await fetch(database, "SELECT state, (SELECT count(*) FROM scan_jobs) FROM scans") == [("cancelled", 0)]


async def test_nul_in_a_request_is_replaced(database: Database) -> None:
    scan = make_scan(scanners=[{"name": "bandit", "parameters": {"text": "a\0b"}}])

    assert await plan(database, scan, make_plan(scan, parameters={"text": "a\0b"}))

    ((parameters, spec),) = await fetch(
        database, "SELECT j.parameters, s.spec FROM scan_jobs j JOIN scans s ON s.id = scan_id"
    )
    assert parameters == {"text": "a\N{REPLACEMENT CHARACTER}b"}
    assert spec["scanners"][0]["parameters"] == parameters


async def test_the_publisher_hears_of_a_plan_once(database: Database) -> None:
    scan = make_scan()
    async with listening(database, "secapi_outbox") as heard:
        await plan(database, scan)
        await plan(database, scan)

        assert await heard.all() == [""]


async def test_the_operator_hears_of_a_rejection_once(database: Database) -> None:
    scan = make_scan()
    async with listening(database, "secapi_scans") as heard:
        await reject(database, scan)
        await reject(database, scan)

        assert await heard.all() == [f"team-a/{scan.name}"]
