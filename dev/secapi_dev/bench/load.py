"""An HTTP client that costs next to nothing, because it shares the machine with what it measures.

One keep-alive connection, one request at a time, no TLS, no redirects, and answers that announce their length: all that
our own servers need.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlsplit

from secapi_dev.errors import StackError

TIMEOUT_SECONDS = 60.0

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Connection:
    """One connection; a request waits for the answer of the one before it in the caller's own code, not here."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: str) -> None:
        """``headers`` go with every request, each line with its end."""
        self._reader, self._writer, self._headers = reader, writer, headers

    async def get(self, path: str) -> bytes:
        """The answer's body; raises ``StackError`` unless the status is 2xx."""
        return (await self.ask("GET", path)).expected(f"GET {path}")

    async def post(self, path: str, body: bytes, *, headers: str = "") -> bytes:
        """Send ``body`` as JSON, with more ``headers``, each line with its end; otherwise as :meth:`get`."""
        return (await self.ask("POST", path, body, headers=headers)).expected(f"POST {path}")

    async def ask(self, method: str, path: str, body: bytes = b"", *, headers: str = "") -> "Answer":
        """The answer, whatever it is."""
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}{headers}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await self._reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(answer)
            content = await self._reader.readexactly(int(length[1])) if length else b""
        return Answer(answer.partition(b"\r\n")[0].decode(errors="replace"), content)


@dataclass(frozen=True, slots=True)
class Answer:
    """``line`` is the first one: protocol, status, reason."""

    line: str
    body: bytes

    @property
    def status(self) -> int:
        """The number."""
        return int(self.line.split(" ")[1])

    def expected(self, request: str) -> bytes:
        """The body; raises ``StackError`` unless the status is 2xx."""
        if not 200 <= self.status < 300:
            raise StackError(f"{request} was answered {self.line}: {self.body[:500].decode(errors='replace')}")
        return self.body


@asynccontextmanager
async def connected(url: str, *, count: int = 1, api_key: str = "") -> AsyncIterator[list[Connection]]:
    """``count`` connections to the server of ``url``, closed when the block ends."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    headers = f"Host: {host}:{port}\r\nContent-Type: application/json\r\n"
    if api_key:
        headers += f"Authorization: Bearer {api_key}\r\n"
    streams = [await asyncio.open_connection(host, port) for _ in range(count)]
    try:
        yield [Connection(*stream, headers) for stream in streams]
    finally:
        for _, writer in streams:
            writer.close()


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to: seconds from the first request to the last answer, and those of each request."""

    seconds: float
    latencies: Sequence[float]

    @property
    def per_second(self) -> float:
        """Requests answered a second."""
        return len(self.latencies) / self.seconds

    def milliseconds(self, percent: int) -> float:
        """The percentile of the latencies."""
        return percentile_ms(self.latencies, percent)


async def drive(
    connections: Sequence[Connection], request: Callable[[Connection], Awaitable[object]], *, count: int
) -> Load:
    """Send ``count`` requests, each connection its next one as soon as it has been answered."""
    return await _drive(connections, request, iter(range(count)))


async def drive_for(
    connections: Sequence[Connection], request: Callable[[Connection], Awaitable[object]], *, seconds: float
) -> Load:
    """The same for so many seconds."""
    end = time.perf_counter() + seconds
    return await _drive(connections, request, iter(lambda: time.perf_counter() < end, False))


async def _drive(
    connections: Sequence[Connection], request: Callable[[Connection], Awaitable[object]], turns: Iterator[object]
) -> Load:
    latencies: list[float] = []

    async def client(connection: Connection) -> None:
        for _ in turns:
            began = time.perf_counter()
            await request(connection)
            latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(client(connection))
    return Load(time.perf_counter() - began, latencies)


def percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """A percentile of times in milliseconds."""
    return round(quantiles(seconds, n=100)[percent - 1] * 1000, 2)
