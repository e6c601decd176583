"""Tell the person at the terminal what is going on, on standard error."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from rich.console import Console
from rich.status import Status

LINE_SECONDS = 5.0
TICK_SECONDS = 0.5


class Progress:
    """Lines for what is done; for what takes long, a moving line on a terminal and else a plain one now and then."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to ``console``, by default standard error."""
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Write one line."""
        self._console.print(text, markup=False)

    @contextlib.asynccontextmanager
    async def during(self, what: str) -> AsyncIterator[None]:
        """Show ``what`` with the elapsed seconds while the body runs, and a line when it is done."""
        began = time.monotonic()
        ticking = asyncio.create_task(self._tick(what, began))
        try:
            yield
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
        self.say(f"{what}: done in {time.monotonic() - began:.0f} s")

    async def _tick(self, what: str, began: float) -> None:
        if not self._console.is_terminal:
            while True:
                await asyncio.sleep(LINE_SECONDS)
                self.say(f"{what}: {time.monotonic() - began:.0f} s")
        with Status(what, console=self._console) as status:
            while True:
                status.update(f"{what}: {time.monotonic() - began:.0f} s")
                await asyncio.sleep(TICK_SECONDS)
