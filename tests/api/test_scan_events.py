"""Following a scan: what is sent, in which order, from where on, and until when."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import httpx
import pytest

from event_streams import Event, listening
from ledger_factories import BROKEN, REPORT, UNWANTED, claimed, execute, finish, make_scan, planned_scan
from secapi_api.settings import ApiSettings
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.delete import delete_scan
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.plan import reject_scan
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.types import NewScan
from served_api import ServedApi, served_api


@pytest.fixture(scope="module")
async def served(settings: ApiSettings) -> AsyncIterator[ServedApi]:
    brisk = {"event_poll": 0.1, "event_heartbeat": 0.2, "event_rights_age": 0.6, "event_streams_per_caller": 300}
    async with served_api(settings.model_copy(update={"tuning": settings.tuning.model_copy(update=brisk)})) as served:
        yield served


@pytest.fixture
def database(served: ServedApi) -> Database:
    return served.api.owner


@pytest.fixture
async def viewer(served: ServedApi, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    async with await served.client("viewer", tenant) as client:
        yield client


@pytest.fixture
def scan(tenant: str) -> NewScan:
    return make_scan(tenant)


def path(scan: NewScan) -> str:
    return f"/v1/scans/{scan.id}/events"


def told(events: list[Event]) -> list[tuple[str, str]]:
    """Each event's name and the state that it tells."""
    return [(event.name, event.data.get("phase") or event.data["state"]) for event in events]


async def end_by_finishing(database: Database, scan: NewScan) -> None:
    for job in await planned_scan(database, 2, scan=scan):
        await finish(database, await claimed(database, job))


async def end_by_failing(database: Database, scan: NewScan) -> None:
    for job in await planned_scan(database, 2, scan=scan):
        owned = await claimed(database, job)
        async with database.transaction() as session:
            await fail_job(session, owned.id, owned.attempt, BROKEN, REPORT)


async def end_by_cancelling(database: Database, scan: NewScan) -> None:
    await planned_scan(database, 2, scan=scan)
    async with database.transaction() as session:
        await cancel_scan(session, scan.id, UNWANTED)


End = Callable[[Database, NewScan], Awaitable[None]]
ENDS: list[tuple[End, str, str]] = [
    (end_by_finishing, "Succeeded", "succeeded"),
    (end_by_failing, "Failed", "failed"),
    (end_by_cancelling, "Cancelled", "cancelled"),
]


@pytest.mark.parametrize(("end", "phase", "state"), ENDS)
async def test_a_scan_that_has_ended_is_told_whole_and_the_stream_ends(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan, end: End, phase: str, state: str
) -> None:
    await end(database, scan)
    async with listening(viewer, path(scan)) as listener:
        events = await listener.rest()
    assert told(events) == [("job", state), ("job", state), ("scan", phase), ("end", phase)]
    jobs = (await viewer.get(f"/v1/scans/{scan.id}/jobs")).json()["items"]
    shown = (await viewer.get(f"/v1/scans/{scan.id}")).json()
    assert [event.data for event in events[:2]] == jobs
    assert events[2].data == {name: value for name, value in shown.items() if name not in ("spec", "submittedBy")}
    assert events[3].data == {"id": str(scan.id), "phase": phase}
    assert 1_000 <= (listener.retry or 0) <= 3_000


async def test_a_scan_refused_before_it_was_planned_is_told_as_failed(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    async with database.transaction() as session:
        await reject_scan(session, scan, BROKEN)
    async with listening(viewer, path(scan)) as listener:
        assert told(await listener.rest()) == [("scan", "Failed"), ("end", "Failed")]


async def test_every_change_is_told_while_the_scan_goes_on(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    async with database.transaction() as session:
        await register_scan(session, scan)
    async with listening(viewer, path(scan)) as listener:
        assert told(await listener.next()) == [("scan", "Pending")]
        first, second = await planned_scan(database, 2, scan=scan)
        assert told(await listener.next(3)) == [("job", "queued"), ("job", "queued"), ("scan", "Queued")]
        job = await claimed(database, first)
        assert told(await listener.next(2)) == [("job", "running"), ("scan", "Running")]
        await finish(database, job)
        assert told(await listener.next(2)) == [("job", "succeeded"), ("scan", "Running")]
        # The scan itself does not change when its second job begins.
        job = await claimed(database, second)
        assert told(await listener.next()) == [("job", "running")]
        await finish(database, job)
        assert told(await listener.rest()) == [("job", "succeeded"), ("scan", "Succeeded"), ("end", "Succeeded")]


async def test_the_answer_is_kept_by_nobody_on_its_way(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    await end_by_cancelling(database, scan)
    headers = (await viewer.get(path(scan), headers={"Accept-Encoding": "gzip"})).headers
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-store, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Encoding" not in headers


async def test_a_stream_with_nothing_to_say_gives_a_sign_of_life(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    await planned_scan(database, scan=scan)
    async with listening(viewer, path(scan)) as listener:
        await listener.next(2)
        assert (await listener.comment()).startswith(":")
        assert (await listener.comment()).startswith(":")


async def test_who_comes_back_with_an_id_is_told_what_differs(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    first, *_ = await planned_scan(database, 3, scan=scan)
    async with listening(viewer, path(scan)) as listener:
        seen = (await listener.next(4))[-1].id
    job = await claimed(database, first)
    async with listening(viewer, path(scan), seen) as listener:
        (running, _) = events = await listener.next(2)
        assert told(events) == [("job", "running"), ("scan", "Running")]
    await finish(database, job)
    # Broken off between the two events.
    async with listening(viewer, path(scan), running.id) as listener:
        assert told(await listener.next(2)) == [("job", "succeeded"), ("scan", "Running")]


async def test_who_breaks_off_in_the_middle_goes_on_there(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    await planned_scan(database, 5, scan=scan)
    async with listening(viewer, path(scan)) as listener:
        before = await listener.next(2)
    async with listening(viewer, path(scan), before[-1].id) as listener:
        after = await listener.next(4)
    assert len({event.data["id"] for event in before + after}) == 6


async def test_states_that_passed_meanwhile_are_left_out_and_the_last_is_told(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    jobs = await planned_scan(database, 2, scan=scan)
    async with listening(viewer, path(scan)) as listener:
        seen = (await listener.next(3))[-1].id
    for job in jobs:
        await finish(database, await claimed(database, job))
    async with listening(viewer, path(scan), seen) as listener:
        events = await listener.rest()
    assert told(events) == [("job", "succeeded")] * 2 + [("scan", "Succeeded"), ("end", "Succeeded")]
    async with listening(viewer, path(scan), events[-1].id) as listener:
        assert told(await listener.rest()) == [("end", "Succeeded")]


@pytest.mark.parametrize("wrong", ["", "17", "AAAAAAAAAAAAAA", "x" * 5_000, "another scan's"])
async def test_an_id_that_is_none_of_the_scans_is_as_good_as_none(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan, wrong: str
) -> None:
    await end_by_cancelling(database, scan)
    if wrong == "another scan's":
        other = make_scan(scan.namespace)
        await end_by_cancelling(database, other)
        async with listening(viewer, path(other)) as listener:
            wrong = (await listener.rest())[-1].id
    async with listening(viewer, path(scan), wrong) as listener:
        assert len(await listener.rest()) == 4


async def test_how_a_scan_ended_is_told_though_it_was_deleted_at_once(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    await planned_scan(database, scan=scan)
    async with listening(viewer, path(scan)) as listener:
        await listener.next(2)
        async with database.transaction() as session:
            await cancel_scan(session, scan.id, UNWANTED)
            await delete_scan(session, scan.id)
        assert told(await listener.rest())[-2:] == [("scan", "Cancelled"), ("end", "Cancelled")]
    assert (await viewer.get(path(scan))).status_code == 404


async def test_a_scan_of_another_namespace_is_not_there(served: ServedApi, database: Database, scan: NewScan) -> None:
    await planned_scan(database, scan=scan)
    async with await served.client("admin", "elsewhere") as stranger:
        answers = [await stranger.get(path(scan)), await stranger.get(f"/v1/scans/{uuid4()}/events")]
    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [
        (404, "urn:secapi:problem:not-found")
    ] * 2


async def test_a_stream_ends_when_its_key_is_revoked(
    viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    await planned_scan(database, scan=scan)
    async with listening(viewer, path(scan)) as listener:
        await listener.next(2)
        await execute(database, "UPDATE api_keys SET revoked_at = now() WHERE namespace = :of", of=scan.namespace)
        assert await listener.rest(within=3) == []
    assert (await viewer.get(path(scan))).status_code == 401


async def test_what_is_sent_is_what_is_documented(
    served: ServedApi, viewer: httpx.AsyncClient, database: Database, scan: NewScan
) -> None:
    await end_by_failing(database, scan)
    client = served.api.anonymous()
    client.headers = viewer.headers
    assert (await client.get(path(scan))).status_code == 200  # The client checks the events.
