"""A lock file that several runs on one machine share: what one of them makes, the others wait for and then find."""

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

from secapi_dev.progress import Progress

POLL_SECONDS = 0.2


@contextlib.asynccontextmanager
async def exclusive(path: Path, progress: Progress, what: str) -> AsyncIterator[None]:
    """Hold the lock of the file ``path``, showing that ``what`` by another run is waited for as long as it lasts.

    The kernel lets go of it when this process ends, however it ends.
    """
    with path.open("wb") as file:
        if not _taken(file.fileno()):
            async with progress.during(f"waiting for {what}"):
                while not _taken(file.fileno()):
                    await asyncio.sleep(POLL_SECONDS)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
