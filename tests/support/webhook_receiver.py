"""A receiver of webhooks on a loopback address, which answers as it is told and keeps what has come."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from secapi_core.networks import Address

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks"


def answer(status: str, *headers: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *headers, "", ""]).encode()


async def here(_host: str) -> Sequence[Address]:
    """Resolves every name to where receivers are."""
    return [ip_address("127.0.0.1")]


@dataclass(frozen=True)
class Received:
    """One request; names of headers are in lower case."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``answers`` are given in turn, the last one from then on; ``None`` is none at all."""

    port: int = 0
    answers: list[bytes | None] = field(default_factory=lambda: [OK])
    received: list[Received] = field(default_factory=list)
    seconds: float = 0.0
    """How long an answer takes."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            _line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(headers, body))
            given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if given is None:
                await reader.read()
            else:
                await asyncio.sleep(self.seconds)
                writer.write(given)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def webhook_receiver(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Listens on a free port while the block runs."""
    receiver = Receiver()
    receiver.answers = list(answers) or [OK]
    server = await asyncio.start_server(receiver, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
