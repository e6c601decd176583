"""A TCP proxy on 127.0.0.1 that fails on command: in front of a real server it makes an outage of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Self


class Mode(StrEnum):
    """What happens to connections."""

    FORWARD = "forward"
    REFUSE = "refuse"
    """New connections end at once, open ones are cut: the server is down."""

    FREEZE = "freeze"
    """Nothing is forwarded in either direction: the server hangs."""

    LINGER = "linger"
    """Of new connections: the client does not notice that the server has closed them."""


class TcpProxy:
    """Forwards to ``host``:``port``; ``mode`` may be changed at any time."""

    def __init__(self, host: str, port: int) -> None:
        self.upstream = (host, port)
        self.port = 0
        self.mode = Mode.FORWARD
        self.accepted = 0
        """Connections so far."""

        self._thawed = asyncio.Event()
        self._pairs: set[asyncio.Task[None]] = set()

    def set(self, mode: Mode) -> None:
        """Change what happens from now on."""
        self.mode = mode
        if mode is Mode.FREEZE:
            self._thawed.clear()
        else:
            self._thawed.set()
        if mode is Mode.REFUSE:
            for pair in self._pairs:
                pair.cancel()

    @classmethod
    @asynccontextmanager
    async def before(cls, host: str, port: int) -> AsyncIterator[Self]:
        """A running proxy; its connections are cut when the block ends."""
        proxy = cls(host, port)
        proxy.set(Mode.FORWARD)
        server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            for pair in proxy._pairs:
                pair.cancel()
            await asyncio.gather(*proxy._pairs, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        pair = asyncio.create_task(self._serve(reader, writer))
        self._pairs.add(pair)
        pair.add_done_callback(self._pairs.discard)
        with suppress(asyncio.CancelledError):
            await pair

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.mode is Mode.REFUSE:
                return
            upstream_reader, upstream_writer = await asyncio.open_connection(*self.upstream)
            try:
                there = asyncio.create_task(self._forward(reader, upstream_writer))
                back = asyncio.create_task(self._forward(upstream_reader, writer))
                try:
                    lingers = self.mode is Mode.LINGER
                    await asyncio.wait(
                        [there, back], return_when=asyncio.ALL_COMPLETED if lingers else asyncio.FIRST_COMPLETED
                    )
                finally:
                    there.cancel()
                    back.cancel()
                    await asyncio.gather(there, back, return_exceptions=True)
            finally:
                upstream_writer.transport.abort()
        finally:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._thawed.wait()
                writer.write(data)
                await writer.drain()
