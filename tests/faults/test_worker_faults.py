"""P2 and P3: workers die, freeze and wake up; every scan ends once, with the findings of one attempt."""

import os
import signal
from collections.abc import Awaitable, Callable
from uuid import UUID

import psutil

from oracle import assert_settled
from running_stack import RunningStack, eventually


async def test_a_scan_survives_sigkill_of_its_worker_process(stack: RunningStack) -> None:
    scan = await stack.submit(findings=7, seconds=2)
    child = await _child_running(stack, scan)
    os.kill(child, signal.SIGKILL)
    await assert_settled(stack, {scan: 7})
    assert await _attempt_states(stack, scan) in (["lost", "succeeded"], ["failed", "succeeded"])


async def test_scans_survive_sigkill_of_every_worker_parent(stack: RunningStack) -> None:
    scans = {await stack.submit(findings=3, seconds=1): 3 for _ in range(6)}
    await _child_running(stack, next(iter(scans)))
    for pid in stack.facts["pids"]["worker"]:
        os.kill(pid, signal.SIGKILL)
    await assert_settled(stack, scans, within=90)


async def test_a_killed_worker_leaves_no_scanner_behind(stack: RunningStack) -> None:
    scan = await stack.submit(findings=1, seconds=3)
    child = await _child_running(stack, scan)
    scanners = await eventually(_scanners_below(child), within=5, what="a scanner below the worker's child")
    os.kill(child, signal.SIGKILL)

    async def gone() -> bool:
        return not any(scanner.is_running() and scanner.status() != psutil.STATUS_ZOMBIE for scanner in scanners)

    await eventually(gone, within=5, what="the scanner's processes are gone")
    await assert_settled(stack, {scan: 1})


async def test_a_worker_frozen_past_its_lease_commits_nothing_when_it_wakes_up(stack: RunningStack) -> None:
    scan = await stack.submit(findings=4, seconds=1.5)
    child = await _child_running(stack, scan)
    os.kill(child, signal.SIGSTOP)
    try:
        await stack.settled([scan], within=60)
    finally:
        os.kill(child, signal.SIGCONT)
    await assert_settled(stack, {scan: 4})
    assert (await _attempt_states(stack, scan))[0] == "lost"


async def _child_running(stack: RunningStack, scan: UUID) -> int:
    """The pid of the prefork child that runs the scan's job; workers are named ``<host>:<pid>``."""

    async def worker() -> int | None:
        async with stack.database() as db:
            name = await db.fetchval(
                "SELECT worker FROM scan_jobs WHERE scan_id = $1 AND state = 'running' LIMIT 1", scan
            )
        return int(name.rpartition(":")[2]) if name else None

    pid: int = await eventually(worker, within=30, what="the job is running")
    return pid


def _scanners_below(child: int) -> Callable[[], Awaitable[list[psutil.Process]]]:
    async def find() -> list[psutil.Process]:
        return [p for p in psutil.Process(child).children(recursive=True) if "noop" in " ".join(p.cmdline())]

    return find


async def _attempt_states(stack: RunningStack, scan: UUID) -> list[str]:
    async with stack.database() as db:
        rows = await db.fetch(
            "SELECT a.state FROM attempts a JOIN scan_jobs j ON j.id = a.job_id "
            "WHERE j.scan_id = $1 ORDER BY a.attempt",
            scan,
        )
    return [row["state"] for row in rows]
