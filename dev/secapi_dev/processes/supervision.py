"""Keep components running: one that dies is started again with growing pauses, as a Deployment would."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from secapi_dev.errors import StackError
from secapi_dev.processes.program import Component, Program, start
from secapi_dev.processes.state import StateDirectory

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 60.0

# A restarted component is announced when it is ready, so that whoever waits for it finds it working; or after this many
# seconds when it does not get ready, because what it needs is away, so that its process id is known all the same.
ANNOUNCE_AFTER = 10.0


@dataclass(frozen=True)
class Restart:
    """A component that ended, and what is done about it."""

    name: str
    exit_code: int
    pause: float


class Supervisor:
    """Runs components side by side. Use :func:`supervisor`, which stops them."""

    def __init__(self, state: StateDirectory, on_end: Callable[[Restart], None], on_change: Callable[[], None]) -> None:
        """Call ``on_end`` when a component has ended, ``on_change`` when another process has taken its place."""
        self._state = state
        self._on_end = on_end
        self._on_change = on_change
        self._programs: dict[str, Program] = {}
        self._watchers: list[asyncio.Task[None]] = []

    @property
    def pids(self) -> dict[str, int]:
        """Process id of each component by its name."""
        return {name: program.pid for name, program in self._programs.items()}

    async def add(self, component: Component) -> None:
        """Start a component, return when it is ready, watch it from then on.

        Raises ``StackError`` when it does not get ready: what never worked is a mistake to report, not a fault to mend.
        """
        program = self._programs[component.name] = await start(component, self._state)
        await program.until_ready(component.ready, component.start_timeout)
        self._watchers.append(asyncio.create_task(self._watch(component), name=f"watch {component.name}"))

    async def stop(self) -> None:
        """Stop all components at once; raises what a watcher failed with."""
        for watcher in self._watchers:
            watcher.cancel()
        outcomes = await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(program.stop() for program in self._programs.values()))
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _watch(self, component: Component) -> None:
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            exit_code = await self._programs[component.name].wait()
            if time.monotonic() - began >= HEALTHY_AFTER:
                pause = FIRST_PAUSE
            self._on_end(Restart(component.name, exit_code, pause))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            with contextlib.suppress(StackError):  # it ended, or still starts: the loop's next round sees to that
                program = self._programs[component.name] = await start(component, self._state)
                await program.until_ready(component.ready, ANNOUNCE_AFTER)
            self._on_change()


@contextlib.asynccontextmanager
async def supervisor(
    state: StateDirectory, on_end: Callable[[Restart], None], on_change: Callable[[], None]
) -> AsyncIterator[Supervisor]:
    """Yield a supervisor whose components are stopped afterwards."""
    running = Supervisor(state, on_end, on_change)
    try:
        yield running
    finally:
        await running.stop()
