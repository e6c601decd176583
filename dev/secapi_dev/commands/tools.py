"""``secapi-dev tools``."""

import asyncio

from secapi_dev import tools
from secapi_dev.progress import Progress


def command() -> None:
    """Install the scanner tools that are missing, each into a virtual environment of its own."""
    progress = Progress()
    root = tools.directory()
    asyncio.run(tools.install(root, progress))
    progress.say(f"scanner tools: {root / 'bin'}")
