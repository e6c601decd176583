"""How the parent tells its worker processes that it is going away: by closing pipes.

A closed pipe is a broadcast that cannot be missed: every process sees it, now or when it next looks. There are two,
for the two steps of a shutdown: *drain* (start nothing new, finish if you can) and *release* (give back what you have).
"""

import asyncio
import os
import select


class _Pipe:
    """Carries one bit: whether the writing end has been closed."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self.reader, self.writer = os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)

    @property
    def is_closed(self) -> bool:
        return bool(select.select([self.reader], [], [], 0)[0])

    async def closed(self) -> None:
        loop, closed = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.reader, closed.set)
        try:
            await closed.wait()
        finally:
            loop.remove_reader(self.reader)


class Draining:
    """Made in the parent before it forks; each forked process calls ``attach``."""

    def __init__(self) -> None:
        """Open the pipes."""
        self._drain, self._release = _Pipe(), _Pipe()

    def begin(self) -> None:
        """In the parent: the first call begins the drain, the second ends the patience with running jobs."""
        (self._release if self._drain.writer.closed else self._drain).writer.close()

    def release(self) -> None:
        """In the parent: begin the drain, without patience."""
        self._drain.writer.close()
        self._release.writer.close()

    def attach(self) -> None:
        """In a worker process: let go of the parent's ends, so that they close when the parent closes its own."""
        self._drain.writer.close()
        self._release.writer.close()

    def close(self) -> None:
        """Let go of everything; nobody may be waiting."""
        self.release()
        self._drain.reader.close()
        self._release.reader.close()

    @property
    def begun(self) -> bool:
        """Whether nothing new may be started."""
        return self._drain.is_closed

    async def given_up(self, patience: float) -> None:
        """Return when a running job must be given back: ``patience`` seconds after the drain began, or when told."""
        await self._drain.closed()
        try:
            async with asyncio.timeout(patience):
                await self._release.closed()
        except TimeoutError:
            return
