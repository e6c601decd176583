"""maxActiveScans: what exceeds it waits, says so, and runs in order of arrival as soon as there is room."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from lab import Lab
from operator_process import OperatorProcess
from waiting import until


@pytest.fixture
async def lab(shared_lab: Lab, operator: OperatorProcess) -> Lab:
    """One operator; the namespace may have one scan at a time."""
    manifest = f"""
    apiVersion: secapi.dev/v1alpha1
    kind: ScanPolicy
    metadata: {{name: one-at-a-time, namespace: {shared_lab.namespace}}}
    spec: {{maxActiveScans: 1}}
    """
    await shared_lab.kubectl("apply", "-f", "-", stdin=manifest)
    await until(lambda: operator.metric("secapi_operator_leader"))
    await asyncio.sleep(0.3)
    return shared_lab


async def test_a_scan_beyond_the_quota_waits_and_runs_when_there_is_room(lab: Lab) -> None:
    first = await lab.create("first")
    await lab.until_planned(first)
    second = await lab.create("second")
    accepted = await until(lambda: lab.condition("second", "Accepted"))
    assert (await lab.status("second"))["phase"] == "Pending"
    assert (accepted["status"], accepted["reason"]) == ("Unknown", "QuotaExceeded")
    assert "maxActiveScans" in accepted["message"]
    assert await lab.state(second) == "pending"
    await lab.run(first)
    await lab.run(second)
    await lab.until_phase("second", "Succeeded")
    assert (await lab.writes())["second"] == Counter({"create": 1, "update status": 2})


async def test_waiting_scans_run_in_order_of_arrival(lab: Lab) -> None:
    blocker = await lab.create("blocker")
    await lab.until_planned(blocker)
    scans: list[UUID] = []
    for number in range(4):
        scans.append(await lab.create(f"in-line-{number}"))
        await asyncio.sleep(0.2)
    for done, following in zip([blocker, *scans], [*scans, None], strict=True):
        await lab.run(done)
        if following is not None:
            await lab.until_planned(following)
            states = [await lab.state(scan) for scan in scans]
            assert states.count("queued") == 1, states


async def test_scans_that_the_api_registered_do_not_take_places_while_they_wait(lab: Lab) -> None:
    scans = [await lab.create(f"registered-{number}") for number in range(3)]
    for number, scan in enumerate(scans):
        await lab.execute(
            "INSERT INTO scans (id, namespace, name, spec, priority, state) "
            "VALUES (:id, :namespace, :name, '{}', 'normal', 'pending') ON CONFLICT DO NOTHING",
            id=scan,
            namespace=lab.namespace,
            name=f"registered-{number}",
        )
    remaining = set(scans)
    while remaining:
        (running,) = await until(lambda: queued(lab, remaining), within=20)
        await lab.run(running)
        remaining.remove(running)


async def queued(lab: Lab, scans: set[UUID]) -> list[UUID]:
    return [scan for scan in scans if await lab.state(scan) == "queued"]


async def test_a_waiting_scan_can_be_cancelled_and_deleted(lab: Lab) -> None:
    blocker = await lab.create("holder")
    await lab.until_planned(blocker)
    cancelled, deleted, last = [await lab.create(name) for name in ("cancelled", "deleted", "last")]
    await until(lambda: lab.condition("deleted", "Accepted"))
    await lab.change("cancelled", cancel=True)
    await lab.until_phase("cancelled", "Cancelled")
    await lab.delete("deleted")
    await lab.until_state(deleted, "cancelled")
    await lab.run(blocker)
    await lab.run(last)
    await lab.until_phase("last", "Succeeded")
    assert await lab.jobs(cancelled) == []
