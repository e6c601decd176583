"""Dead letters: what they show, to whom and in which order, and what replaying or purging one leaves."""

from uuid import UUID, uuid4

import pytest

from ledger_factories import dead_letter, execute, fetch, make_scan
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.dead_letters import DeadLetterFilter, get_dead_letter, list_dead_letters
from secapi_core.ledger.transitions.dead_letters import mark_replayed, purge_dead_letter
from secapi_core.paging import InvalidCursor, encode_cursor

LOST = Failure(FailureReason.WORKER_LOST, "the worker fell silent")


async def listed(database: Database, wanted: DeadLetterFilter | None = None, limit: int = 2) -> list[UUID]:
    """Ids on all pages."""
    found: list[UUID] = []
    cursor: str | None = None
    while True:
        async with database.transaction() as session:
            page = await list_dead_letters(session, wanted or DeadLetterFilter(), cursor, limit)
        found += [letter.id for letter in page.items]
        if (cursor := page.next_cursor) is None:
            return found


async def replay(database: Database, letter: UUID, scan: UUID) -> None:
    async with database.transaction() as session:
        await mark_replayed(session, letter, scan)


async def purge(database: Database, letter: UUID) -> bool:
    async with database.transaction() as session:
        return await purge_dead_letter(session, letter)


async def test_a_letter_shows_the_job_as_it_ran_and_what_its_scan_asked_for(database: Database) -> None:
    scan = make_scan(priority="bulk")
    letter_id = await dead_letter(database, scan=scan)

    async with database.transaction() as session:
        letter = await get_dead_letter(session, letter_id)

    assert letter is not None
    ((job_id,),) = await fetch(database, "SELECT id FROM scan_jobs")
    assert (letter.namespace, letter.scan_id, letter.job_id) == ("team-a", scan.id, job_id)
    assert (letter.scanner, letter.target) == ("bandit", {"url": "https://shop.example/0"})
    assert (letter.parameters, letter.spec) == ({"level": 2}, scan.spec.to_wire())
    assert (letter.attempts, letter.reason, letter.message) == (1, "ScannerCrashed", "the scanner crashed")
    assert (letter.replayed_at, letter.replay_scan_id) == (None, None)


async def test_a_letter_is_shown_in_its_own_namespace_only(database: Database) -> None:
    letter = await dead_letter(database)

    async with database.transaction() as session:
        assert await get_dead_letter(session, letter, ["team-a", "team-c"]) is not None
        assert await get_dead_letter(session, letter, ["team-b"]) is None
        assert await get_dead_letter(session, letter, []) is None
        assert await get_dead_letter(session, uuid4()) is None


async def test_a_letter_outlives_the_deletion_of_its_scan(database: Database) -> None:
    letter = await dead_letter(database)
    await execute(database, "UPDATE scans SET deleted_at = now()")

    async with database.transaction() as session:
        assert await get_dead_letter(session, letter) is not None
    assert await listed(database) == [letter]


async def test_pages_of_letters_hold_each_once_newest_first(database: Database) -> None:
    letters = [await dead_letter(database) for _ in range(5)]

    assert await listed(database) == letters[::-1]
    assert await listed(database, limit=5) == letters[::-1]


async def test_letters_can_be_filtered(database: Database) -> None:
    mine, theirs = await dead_letter(database), await dead_letter(database, scan=make_scan("team-b"), failure=LOST)
    other = await dead_letter(database, scanner="semgrep")
    await replay(database, other, uuid4())

    assert await listed(database, DeadLetterFilter(namespaces=["team-a"])) == [other, mine]
    assert await listed(database, DeadLetterFilter(namespaces=["team-a", "team-b"])) == [other, theirs, mine]
    assert await listed(database, DeadLetterFilter(namespaces=[])) == []
    assert await listed(database, DeadLetterFilter(scanner="semgrep")) == [other]
    assert await listed(database, DeadLetterFilter(reason=FailureReason.WORKER_LOST)) == [theirs]
    assert await listed(database, DeadLetterFilter(replayed=True)) == [other]
    assert await listed(database, DeadLetterFilter(replayed=False)) == [theirs, mine]
    assert await listed(database, DeadLetterFilter(namespaces=["team-a"], replayed=False)) == [mine]


@pytest.mark.parametrize("cursor", ["nonsense", encode_cursor("a"), encode_cursor("a", "b")])
async def test_a_cursor_of_something_else_is_refused(database: Database, cursor: str) -> None:
    async with database.transaction() as session:
        with pytest.raises(InvalidCursor):
            await list_dead_letters(session, DeadLetterFilter(), cursor, 10)


async def test_a_replay_is_noted_once_with_its_scan(database: Database) -> None:
    letter, scan = await dead_letter(database), uuid4()

    await replay(database, letter, scan)
    noted = await fetch(database, "SELECT replayed_at, replay_scan_id FROM dead_letters")
    await replay(database, letter, scan)

    assert noted[0].replay_scan_id == scan
    assert await fetch(database, "SELECT replayed_at, replay_scan_id FROM dead_letters") == noted


async def test_a_letter_that_was_taken_off_the_list_by_hand_can_be_replayed(database: Database) -> None:
    letter, scan = await dead_letter(database), uuid4()
    await execute(database, "UPDATE dead_letters SET replayed_at = now()")

    await replay(database, letter, scan)

    assert await fetch(database, "SELECT replay_scan_id FROM dead_letters") == [(scan,)]


async def test_a_replay_leaves_the_dead_job_and_its_scan_as_they_ended(database: Database) -> None:
    letter = await dead_letter(database)
    before = await fetch(database, "SELECT * FROM scan_jobs JOIN scans ON scans.id = scan_id")

    await replay(database, letter, uuid4())

    assert await fetch(database, "SELECT * FROM scan_jobs JOIN scans ON scans.id = scan_id") == before


async def test_a_purged_letter_is_gone_and_its_job_stays(database: Database) -> None:
    letter, other = await dead_letter(database), await dead_letter(database)

    assert await purge(database, letter)
    assert not await purge(database, letter)
    await replay(database, letter, uuid4())

    assert await listed(database) == [other]
    assert await fetch(database, "SELECT state FROM scan_jobs") == [("dead",), ("dead",)]
