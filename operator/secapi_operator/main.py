"""``secapi-operator``: runs one operator process until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import structlog
import uvloop

from secapi_core import error_tracking, logs
from secapi_core.environment import read_settings, require_cluster
from secapi_operator.process import opened
from secapi_operator.settings import OperatorSettings

log = structlog.get_logger(__name__)


def main() -> None:
    """Read the settings from the environment and run; bad settings end the process with what is wrong with them."""
    settings = read_settings(OperatorSettings)
    require_cluster()
    report = error_tracking.start(settings, "operator")
    logs.configure(settings.log_level, settings.log_format, component="operator", report=report)
    # The watch has a thread of its own. By default a thread that waits for it gets its turn after 5 ms, which is longer
    # than anything else on the way of a scan.
    sys.setswitchinterval(0.0005)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings))


async def _run(settings: OperatorSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with opened(settings) as process:
        log.info("operator started")
        await process.run(stop)
    log.info("operator stopped")
