"""``secapi-dev up``."""

import asyncio
import contextlib
import functools
import signal
from pathlib import Path
from shutil import which
from typing import Annotated

import typer

from secapi_dev import stackfile
from secapi_dev.components import secapi_components
from secapi_dev.controlplane import binaries
from secapi_dev.processes.state import kept_state, temporary_state
from secapi_dev.progress import Progress
from secapi_dev.stack import ComponentPlan, running_stack
from secapi_dev.stackfile import Stack

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def command(
    state_dir: Annotated[
        Path | None,
        typer.Option(help="Keep data and logs here, and continue from them; otherwise nothing is kept."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=32, help="Worker processes to start.")] = 1,
) -> None:
    """Run the whole stack in the foreground until Ctrl-C or SIGTERM."""
    asyncio.run(run(state_dir, functools.partial(secapi_components, workers=workers), Progress()))


async def run(state_dir: Path | None, plan: ComponentPlan, progress: Progress) -> None:
    """Run a stack with the components of ``plan`` until a signal asks to stop."""
    with contextlib.suppress(asyncio.CancelledError):
        _cancel_on_signal(progress)
        async with (
            kept_state(state_dir, remove=[stackfile.NAME, "tmp"]) if state_dir else temporary_state() as state,
            running_stack(state, plan, progress) as stack,
        ):
            _explain(stack, state.path, progress)
            await asyncio.Event().wait()


def _cancel_on_signal(progress: Progress) -> None:
    """Make the first signal cancel the calling task, which stops everything in order; later ones change nothing."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if task is not None and not task.cancelling():
            progress.say("stopping")
            task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)


def _explain(stack: Stack, directory: Path, progress: Progress) -> None:
    progress.say(f"""
SecAPI is ready. In another terminal:
  export KUBECONFIG={stack.kubeconfig}{_kubectl_on_path()}
  export SECAPI_URL={stack.api_url} SECAPI_API_KEY={stack.api_key}
  everything else: {directory / stackfile.NAME}, logs: {directory / "logs"}
Ctrl-C stops it.
""")


def _kubectl_on_path() -> str:
    """Lead to the kubectl that was built, on a machine that has none."""
    built = None if which("kubectl") else binaries.find()
    return f" PATH=$PATH:{built.kubectl.parent}" if built else ""
