"""Schedules and policies from the command line."""

import asyncio
import json
from typing import Any

import pytest
import yaml

from fault_proxy import FaultProxy
from running_stack import RunningStack
from secapi_client import Client, Conflict
from secapi_client.models.specs import ScanSpec, ScheduleSpec
from secapi_command import Secapi

SCAN = ScanSpec(targets=[{"url": "http://127.0.0.1/"}], scanners=[{"name": "noop"}])
YEARLY = ScheduleSpec(schedule="0 0 1 1 *", scanTemplate={"spec": SCAN})


def manifest(name: str, **spec: Any) -> str:
    frame = {"apiVersion": "secapi.dev/v1alpha1", "kind": "ScanSchedule"}
    return yaml.safe_dump(frame | {"metadata": {"name": name}, "spec": {**YEARLY, **spec}})


async def test_a_manifest_is_created_and_then_replaced(secapi: Secapi) -> None:
    created = await secapi("schedule", "apply", "-f", "-", "-o", "json", stdin=manifest("applied"))
    assert created.code == 0, created.messages
    replaced = await secapi(
        "schedule", "apply", "-f", "-", "-o", "json", stdin=manifest("applied", timeZone="Europe/Berlin")
    )
    assert (created.json["generation"], replaced.json["generation"]) == (1, 2)
    assert replaced.json["spec"]["timeZone"] == "Europe/Berlin"
    (line,) = (await secapi("schedule", "list")).output.splitlines()[1:]
    assert line.split()[:8] == ["default", "applied", "0", "0", "1", "1", "*", "Europe/Berlin"]
    assert (await secapi("schedule", "delete", "applied")).code == 0
    assert (await secapi("schedule", "show", "applied")).code == 4


async def test_suspending_changes_nothing_else_and_resuming_undoes_it(secapi: Secapi) -> None:
    body = json.dumps({"name": "paused", "spec": YEARLY})
    before = (await secapi("schedule", "apply", "-f", "-", "-o", "json", stdin=body)).json["spec"]
    suspended = (await secapi("schedule", "suspend", "paused", "-o", "json")).json["spec"]
    assert suspended == before | {"suspend": True}
    assert (await secapi("schedule", "suspend", "paused")).code == 0
    assert (await secapi("schedule", "resume", "paused", "-o", "json")).json["spec"] == before | {"suspend": False}
    assert "http://127.0.0.1/" in (await secapi("schedule", "show", "paused")).output
    assert (await secapi("schedule", "delete", "paused")).code == 0


async def test_a_change_is_made_anew_when_somebody_else_was_faster(stack: RunningStack, faults: FaultProxy) -> None:
    with Client(faults.url, stack.facts["apiKey"]) as client:
        read = await asyncio.to_thread(client.schedules.apply, "default", "contested", YEARLY)
        fault = faults.fail("PUT /v1/schedules", 412, times=2)
        suspended = await asyncio.to_thread(client.schedules.suspend, "default", "contested")
        assert (suspended.spec["suspend"], fault.hit) == (True, 2)
        with pytest.raises(Conflict):
            await asyncio.to_thread(client.schedules.replace, read, YEARLY)
        faults.fail("DELETE /v1/schedules", 412)
        await asyncio.to_thread(client.schedules.delete, "default", "contested")
        assert not await asyncio.to_thread(lambda: list(client.schedules.list(namespace="default")))


async def test_a_file_that_is_no_schedule_is_refused_by_what_it_lacks(secapi: Secapi) -> None:
    for text, why in (
        (json.dumps(YEARLY), "must have a name and a spec"),
        ("kind: ScanRequest", "is a ScanRequest, not a ScanSchedule"),
    ):
        ended = await secapi("schedule", "apply", "-f", "-", stdin=text)
        assert (ended.code, why in ended.messages) == (2, True)
    ended = await secapi("schedule", "apply", "-f", "-", stdin=manifest("never", schedule="at noon"))
    assert ended.code == 4
    assert "spec.schedule: " in ended.messages


async def test_policies_are_listed_and_shown(secapi: Secapi) -> None:
    (line,) = (await secapi("policy", "list")).output.splitlines()[1:]
    assert line.split() == ["default", "loopback", "some", "any"]
    assert "127.0.0.0/8" in (await secapi("policy", "show", "loopback")).output
    assert (await secapi("policy", "show", "no-such", "-o", "json")).code == 4
