"""Server-Sent Events as a client reads them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    """One event; ``data`` is parsed."""

    name: str
    data: Any
    id: str


class Listener:
    """An open stream; what is not an event is kept beside."""

    def __init__(self, answer: httpx.Response) -> None:
        self.comments: list[str] = []
        self.retry: int | None = None
        self._lines = answer.aiter_lines()

    async def next(self, count: int = 1, *, within: float = 10.0) -> list[Event]:
        """The next events; fails if they do not come in time."""
        async with asyncio.timeout(within):
            return [await self._next() for _ in range(count)]

    async def rest(self, *, within: float = 10.0) -> list[Event]:
        """Every event until the stream ends; fails if it does not in time."""
        events: list[Event] = []
        async with asyncio.timeout(within):
            with suppress(StopAsyncIteration):
                while True:
                    events.append(await self._next())
        return events

    async def comment(self, *, within: float = 10.0) -> str:
        """The next comment, with no event before it."""
        async with asyncio.timeout(within):
            while not self.comments:
                assert self._event(await self._block()) is None
        return self.comments.pop()

    async def _next(self) -> Event:
        while (event := self._event(await self._block())) is None:
            pass
        return event

    async def _block(self) -> list[str]:
        block: list[str] = []
        while line := await anext(self._lines):
            block.append(line)
        return block

    def _event(self, block: list[str]) -> Event | None:
        fields = dict(line.split(": ", 1) for line in block if not line.startswith(":"))
        self.comments += [line for line in block if line.startswith(":")]
        self.retry = int(fields["retry"]) if "retry" in fields else self.retry
        return Event(fields["event"], json.loads(fields["data"]), fields["id"]) if "event" in fields else None


@asynccontextmanager
async def listening(client: httpx.AsyncClient, path: str, last: str | None = None) -> AsyncIterator[Listener]:
    """A stream that is open until the block ends."""
    headers = {} if last is None else {"Last-Event-ID": last}
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        listener = Listener(answer)  # Kept here: a reader that nobody holds closes its stream.
        yield listener


def parsed(text: str) -> Iterator[Event]:
    """The events of a stream that is over."""
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            yield Event(fields["event"], json.loads(fields["data"]), fields["id"])
