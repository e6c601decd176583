"""dispatch: every queued job has a message on its way, and a lost one is replaced (promise P4)."""

from datetime import timedelta

from ledger_factories import CRASHED, claimed, execute, fetch, make_scan, planned_scan, running_job
from notifications import listening
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.dispatch import mark_dispatched, next_due, redispatch, take_outbox
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.types import OutboxItem

QUEUE = "scan.code.normal"
MINUTE = timedelta(minutes=1)


async def take_and_send(database: Database, limit: int = 100) -> list[OutboxItem]:
    async with database.transaction() as session:
        items = await take_outbox(session, limit)
        await mark_dispatched(session, items)
        return items


async def send_again(database: Database, *, missing: int = 100, older_than: timedelta = MINUTE) -> int:
    async with database.transaction() as session:
        return await redispatch(session, QUEUE, missing=missing, older_than=older_than)


async def sent_long_ago(database: Database) -> None:
    await take_and_send(database)
    await execute(database, "UPDATE scan_jobs SET dispatched_at = now() - interval '10 minutes'")


async def test_messages_are_taken_in_the_order_they_are_due(database: Database) -> None:
    job_ids = await planned_scan(database, 3)
    await execute(
        database, "UPDATE outbox SET not_before = now() - interval '1 minute' WHERE job_id = :id", id=job_ids[2]
    )

    items = await take_and_send(database)

    assert [item.subject_id for item in items] == [job_ids[2], job_ids[0], job_ids[1]]
    assert {item.queue for item in items} == {QUEUE}


async def test_a_sent_message_is_gone_and_its_job_knows_when(database: Database) -> None:
    await planned_scan(database, 2)

    await take_and_send(database, limit=1)

    assert await fetch(database, "SELECT dispatched_at IS NULL FROM scan_jobs ORDER BY ordinal") == [(False,), (True,)]
    assert len(await take_and_send(database)) == 1
    assert await take_and_send(database) == []


async def test_a_message_that_could_not_be_sent_stays(database: Database) -> None:
    await planned_scan(database)
    async with database.transaction() as session:
        assert len(await take_outbox(session, 10)) == 1

    assert len(await take_and_send(database)) == 1


async def test_two_publishers_do_not_take_the_same_message(database: Database) -> None:
    await planned_scan(database, 4)

    async with database.transaction() as first, database.transaction() as second:
        mine = await take_outbox(first, 2)
        theirs = await take_outbox(second, 10)

    assert len({item.id for item in mine + theirs}) == len(mine) + len(theirs) == 4


async def test_a_message_for_later_waits(database: Database) -> None:
    await planned_scan(database)
    await execute(database, "UPDATE outbox SET not_before = now() + interval '1 minute'")

    assert await take_and_send(database) == []
    async with database.transaction() as session:
        due = await next_due(session)
    assert due is not None
    assert 50 < due.total_seconds() <= 60


async def test_a_due_message_is_due_now(database: Database) -> None:
    await planned_scan(database)

    async with database.transaction() as session:
        assert await next_due(session) == timedelta(0)


async def test_an_empty_outbox_is_never_due(database: Database) -> None:
    async with database.transaction() as session:
        assert await next_due(session) is None


async def test_a_retry_has_its_message_when_it_is_due(database: Database) -> None:
    job = await running_job(database)
    await take_and_send(database)
    async with database.transaction() as session:
        await fail_job(session, job.id, job.attempt, CRASHED, None)
    await execute(database, "UPDATE outbox SET not_before = now() + interval '3 seconds'")

    async with database.transaction() as session:
        due = await next_due(session)

    assert due is not None
    assert 2 < due.total_seconds() <= 3


async def test_a_lost_message_is_replaced(database: Database) -> None:
    (job_id,) = await planned_scan(database)
    await sent_long_ago(database)

    async with listening(database, "secapi_outbox") as heard:
        assert await send_again(database) == 1
        assert await heard.all() == [""]

    (item,) = await take_and_send(database)
    assert (item.subject_id, item.queue) == (job_id, QUEUE)


async def test_a_message_that_was_sent_a_moment_ago_is_not_lost(database: Database) -> None:
    await planned_scan(database)
    await take_and_send(database)

    assert await send_again(database) == 0


async def test_a_message_that_waits_to_be_sent_is_not_lost(database: Database) -> None:
    await planned_scan(database)
    await execute(database, "UPDATE scan_jobs SET created_at = now() - interval '1 hour'")

    assert await send_again(database) == 0


async def test_no_more_messages_are_replaced_than_are_missing(database: Database) -> None:
    await planned_scan(database, 5)
    await sent_long_ago(database)

    assert await send_again(database, missing=2) == 2
    assert await send_again(database) == 3
    assert await send_again(database) == 0


async def test_jobs_that_run_or_wait_for_later_or_belong_elsewhere_need_no_message(database: Database) -> None:
    first, second = await planned_scan(database, 2)
    await planned_scan(database, scan=make_scan(priority="bulk"))
    await sent_long_ago(database)
    await claimed(database, first)
    await execute(database, "UPDATE scan_jobs SET not_before = now() + interval '1 minute' WHERE id = :id", id=second)

    assert await send_again(database) == 0


async def test_a_job_that_is_being_claimed_does_not_hold_up_the_publisher(database: Database) -> None:
    (job_id,) = await planned_scan(database)

    async with database.transaction() as claiming:
        assert await claim_job(claiming, job_id, worker="worker-1", lease_seconds=60)
        assert len(await take_and_send(database)) == 1

    assert await fetch(database, "SELECT state, dispatched_at FROM scan_jobs") == [("running", None)]
