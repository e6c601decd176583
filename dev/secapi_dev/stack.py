"""The whole stack: servers, components, and ``stack.json`` about them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from secapi_dev import backends, stackfile
from secapi_dev.components import Components, Surroundings
from secapi_dev.ports import Ports
from secapi_dev.processes.state import StateDirectory
from secapi_dev.processes.supervision import Restart, supervisor
from secapi_dev.progress import Progress
from secapi_dev.stackfile import Stack

ComponentPlan = Callable[[Surroundings, Ports], Components]


@contextlib.asynccontextmanager
async def running_stack(state: StateDirectory, plan: ComponentPlan, progress: Progress) -> AsyncIterator[Stack]:
    """Start servers, then the components of ``plan``, below ``state``; write ``stack.json``; stop in reverse order.

    The file always has the present process ids. Raises a group of ``StackError`` when something does not start.
    """
    stack: Stack | None = None

    def on_end(restart: Restart) -> None:
        progress.say(f"{restart.name} ended with exit code {restart.exit_code}; next start in {restart.pause:g} s")

    def publish() -> None:
        if stack is not None:
            stackfile.write(stack, {**servers.pids, **parts.pids}, state.path)

    with contextlib.closing(Ports()) as ports:
        async with supervisor(state, on_end, publish) as servers, supervisor(state, on_end, publish) as parts:
            around = await backends.start(backends.Launch(servers, state, ports), progress)
            components = plan(Surroundings(around, state.path), ports)
            async with progress.during("starting SecAPI"), asyncio.TaskGroup() as group:
                for component in (components.api, components.operator, *components.workers):
                    group.create_task(parts.add(component))
            stack = Stack(
                api_url=components.api_url,
                api_key=around.api_key,
                kubeconfig=around.kubeconfig,
                database_url=around.database_url,
                redis_url=around.redis_url,
                operator_url=components.operator_url,
                worker_urls=components.worker_urls,
            )
            publish()
            yield stack
