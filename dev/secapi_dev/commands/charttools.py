"""``secapi-dev charttools``."""

import asyncio

from secapi_dev.charttools.programs import PROGRAMS, find_or_build
from secapi_dev.progress import Progress


def command() -> None:
    """Build the programs that make and check the chart unless they are there."""
    progress = Progress()
    for program in PROGRAMS:
        progress.say(f"{program.name}: {asyncio.run(find_or_build(program, progress))}")
