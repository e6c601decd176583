"""A component that dies is started again."""

import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

import stand_in
from running_stack import eventually
from secapi_dev.errors import StackError
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import Component
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.processes.supervision import Restart, supervisor


class Witness:
    """A supervisor and what it reported."""

    def __init__(self, state: StateDirectory) -> None:
        self.restarts: list[Restart] = []
        self.changes = 0
        self.context = supervisor(state, self.restarts.append, self.on_change)

    def on_change(self) -> None:
        self.changes += 1


@pytest.fixture
async def state() -> AsyncIterator[StateDirectory]:
    async with temporary_state() as state:
        yield state


def web_server(ports: Ports) -> Component:
    port = ports.reserve()
    argv = [sys.executable, stand_in.__file__, str(port)]
    return Component(name="web", argv=argv, ready=http_ok(f"http://127.0.0.1:{port}/readyz"))


async def test_an_added_component_is_ready(state: StateDirectory, ports: Ports) -> None:
    component = web_server(ports)
    async with Witness(state).context as running:
        await running.add(component)
        assert await component.ready()
    assert not await component.ready()


async def test_a_killed_component_is_ready_again_under_another_process_id(state: StateDirectory, ports: Ports) -> None:
    witness, component = Witness(state), web_server(ports)
    async with witness.context as running:
        await running.add(component)
        first = running.pids["web"]
        os.kill(first, signal.SIGKILL)
        await changed(witness)
        assert running.pids["web"] != first
        assert await component.ready()
    assert witness.restarts == [Restart("web", 128 + signal.SIGKILL, 1.0)]


async def test_the_pause_grows_with_every_death(state: StateDirectory, ports: Ports) -> None:
    witness = Witness(state)
    async with witness.context as running:
        await running.add(web_server(ports))
        for deaths in (1, 2):
            os.kill(running.pids["web"], signal.SIGKILL)
            await changed(witness, deaths)
    assert [restart.pause for restart in witness.restarts] == [1.0, 2.0]


async def test_a_component_that_never_worked_is_an_error_with_its_last_words(state: StateDirectory) -> None:
    async def never() -> bool:
        return False

    argv = [sys.executable, "-c", "raise SystemExit('no database')"]
    async with Witness(state).context as running:
        with pytest.raises(StackError, match=r"(?s)broken ended with exit code 1.*no database"):
            await running.add(Component(name="broken", argv=argv, ready=never))


async def test_a_component_that_does_not_get_ready_in_time_is_an_error(state: StateDirectory) -> None:
    async def never() -> bool:
        return False

    component = Component(name="slow", argv=["sleep", "300"], ready=never, start_timeout=0.2)
    async with Witness(state).context as running:
        with pytest.raises(StackError, match=r"slow is not ready after 0\.2 s"):
            await running.add(component)


async def changed(witness: Witness, times: int = 1) -> None:
    async def enough() -> bool:
        return witness.changes >= times

    await eventually(enough, within=15, what=f"restart number {times} is announced")
