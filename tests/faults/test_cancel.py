"""P8: cancel stops the scanner's processes within 10 s, and of cancel and completion one wins, never both."""

import asyncio
import time
from uuid import UUID

from oracle import assert_nothing_left
from running_stack import RunningStack, eventually

CANCEL_SECONDS = 10


async def test_cancel_stops_the_scanner_within_ten_seconds(stack: RunningStack) -> None:
    scan = await stack.submit(findings=1, seconds=60)

    async def scanning() -> bool:
        return bool(stack.scanner_processes())

    await eventually(scanning, within=20, what="the scanner runs")
    began = time.monotonic()
    await _cancel(stack, scan)

    async def stopped() -> bool:
        return not stack.scanner_processes()

    await eventually(stopped, within=CANCEL_SECONDS, what="the scanner is gone")
    assert time.monotonic() - began < CANCEL_SECONDS
    assert await stack.settled([scan], within=10) == {scan: "cancelled"}


async def test_cancel_racing_completion_has_one_winner(stack: RunningStack) -> None:
    scans = [await stack.submit(findings=2, seconds=0.2) for _ in range(30)]
    await asyncio.gather(*(_cancel_after(stack, scan, number * 0.02) for number, scan in enumerate(scans)))
    states = await stack.settled(scans, within=60)
    async with stack.database() as db:
        rows = await db.fetch("SELECT scan_id, count(*) FROM sightings WHERE scan_id = ANY($1) GROUP BY scan_id", scans)
    seen = {row["scan_id"]: row["count"] for row in rows}
    for scan, state in states.items():
        assert seen.get(scan, 0) == (2 if state == "succeeded" else 0), (
            f"{scan} is {state} with {seen.get(scan)} findings"
        )
    assert set(states.values()) <= {"succeeded", "cancelled"}
    await assert_nothing_left(stack, scans)


async def test_deleting_a_scan_request_cancels_its_jobs(stack: RunningStack) -> None:
    scan = await stack.submit(findings=1, seconds=60)
    async with stack.api() as api:
        name = (await api.get(f"/v1/scans/{scan}")).json()["name"]
    await stack.kubectl("delete", "scanrequest", name, "-n", "default", "--wait=false")
    assert await stack.settled([scan], within=CANCEL_SECONDS + 10) == {scan: "cancelled"}


async def _cancel(stack: RunningStack, scan: UUID) -> None:
    async with stack.api() as api:
        answer = await api.post(f"/v1/scans/{scan}/cancel")
    assert answer.status_code in (200, 202), answer.text


async def _cancel_after(stack: RunningStack, scan: UUID, seconds: float) -> None:
    await asyncio.sleep(seconds)  # spreads the cancellations over the scans' run time: the race is the point
    await _cancel(stack, scan)
