"""What somebody who follows scans is told: each change of a scan or of a job's state, once, for many scans at once."""

from uuid import UUID, uuid4

from ledger_factories import (
    CRASHED,
    REPORT,
    UNWANTED,
    claimed,
    execute,
    finish,
    make_due,
    make_scan,
    planned_scan,
)
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.changes import STEPS, JobChange, Mark, ScanChange, changed_jobs, changed_scans
from secapi_core.ledger.states import JobState, ScanState
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.delete import delete_scan
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.transitions.release import release_job


async def scans(database: Database, known: dict[UUID, Mark]) -> list[ScanChange]:
    async with database.transaction() as session:
        return await changed_scans(session, known)


async def jobs(database: Database, known: dict[UUID, bytes]) -> list[JobChange]:
    async with database.transaction() as session:
        return await changed_jobs(session, known)


async def mark(database: Database, scan_id: UUID) -> Mark:
    (change,) = await scans(database, {scan_id: Mark()})
    return change.mark


async def test_only_scans_that_changed_are_found(database: Database) -> None:
    one, two = make_scan(), make_scan()
    job, _ = await planned_scan(database, scan=one), await planned_scan(database, scan=two)
    known = {one.id: await mark(database, one.id), two.id: await mark(database, two.id), uuid4(): Mark()}
    assert await scans(database, known) == []
    await claimed(database, job[0])
    (change,) = await scans(database, known)
    assert (change.scan.id, change.scan.state) == (one.id, ScanState.RUNNING)


async def test_a_scan_without_jobs_is_seen_once(database: Database) -> None:
    scan = make_scan()
    async with database.transaction() as session:
        await register_scan(session, scan)
    assert await mark(database, scan.id) == Mark(1, 0)
    assert await scans(database, {scan.id: Mark(1, 0)}) == []


async def test_every_change_of_a_jobs_state_moves_its_scan_and_its_step(database: Database) -> None:
    scan = make_scan(maxAttempts=3)
    (job_id, _) = await planned_scan(database, 2, scan=scan)
    seen = [(await mark(database, scan.id)).steps]
    states = []
    steps = bytes([2, 2])
    assert [change.step for change in await jobs(database, {scan.id: b""})] == [2, 2]

    async def moved() -> None:
        nonlocal steps
        seen.append((await mark(database, scan.id)).steps)
        (change,) = await jobs(database, {scan.id: steps})
        states.append(change.job.state)
        steps = bytes([change.step, 2])

    first = await claimed(database, job_id)
    await moved()
    async with database.transaction() as session:
        await fail_job(session, job_id, first.attempt, CRASHED, REPORT)
    await moved()
    await make_due(database)
    second = await claimed(database, job_id)
    await moved()
    async with database.transaction() as session:
        await release_job(session, job_id, second.attempt)
    await moved()
    third = await claimed(database, job_id)
    await moved()
    await finish(database, third)
    await moved()

    assert seen == sorted(set(seen))
    assert states == [JobState.RUNNING, JobState.QUEUED] * 2 + [JobState.RUNNING, JobState.SUCCEEDED]


async def test_jobs_of_several_scans_come_in_the_order_of_their_plans(database: Database) -> None:
    one, two = make_scan(), make_scan()
    ids = {scan.id: await planned_scan(database, 3, scan=scan) for scan in (one, two)}
    found = await jobs(database, {one.id: bytes([2]), two.id: bytes([0, 2, 2])})
    assert [change.job.id for change in found if change.scan_id == one.id] == ids[one.id][1:]
    assert [change.job.id for change in found if change.scan_id == two.id] == ids[two.id][:1]


async def test_an_end_is_never_taken_for_what_was_seen_before(database: Database) -> None:
    """However many attempts were missed, and whatever a step is modulo ``STEPS``."""
    scan = make_scan()
    (job_id,) = await planned_scan(database, scan=scan)
    ends = set()
    for attempt in range(STEPS):
        await execute(
            database,
            "UPDATE scan_jobs SET attempt = :attempt, state = 'dead' WHERE id = :id",
            attempt=attempt,
            id=job_id,
        )
        (change,) = await jobs(database, {scan.id: b""})
        ends.add(change.step)
    open_steps = {1 + step % STEPS for step in range(3 * STEPS) if step % 3 != 2}
    assert not ends & open_steps


async def test_how_a_scan_ended_is_found_though_it_is_deleted(database: Database) -> None:
    scan = make_scan()
    await planned_scan(database, scan=scan)
    before = await mark(database, scan.id)
    async with database.transaction() as session:
        await cancel_scan(session, scan.id, UNWANTED)
        assert await delete_scan(session, scan.id)
    (change,) = await scans(database, {scan.id: before})
    assert change.scan.state is ScanState.CANCELLED
