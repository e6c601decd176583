"""HTTP connections that bound what comes before a request's body: how large its head is, and how long it takes.

The server itself waits without end for the rest of a head, and keeps whatever arrives of it. And a response may hang
up on a client that does not read it, which ASGI has no word for: an extension of ours.
"""

from asyncio import BaseTransport, TimerHandle
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from secapi_api.scan_events.response import ABORT
from secapi_api.settings import Tuning
from secapi_api.transport import GatheringTransport


class BoundedProtocol(HttpToolsProtocol):
    """``head_bytes`` of request line and headers, within ``head_seconds`` of the connection or the first of them."""

    head_bytes: ClassVar[int]
    head_seconds: ClassVar[float]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As the server makes it, one for each connection."""
        super().__init__(*arguments, **options)
        self._received = 0
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """A client that connects has something to say."""
        super().connection_made(GatheringTransport(transport, self.loop))  # type: ignore[arg-type]  # the server serves TCP
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Whatever arrives before the head is complete counts as a part of it."""
        super().data_received(data)
        if self._deadline is not None:
            self._received += len(data)
            if self._received > self.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self._await_head()

    def on_headers_complete(self) -> None:
        """The head is there; one that came in a single piece may be too large as well."""
        self._stop_waiting()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        super().on_headers_complete()

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(error)

    def _await_head(self) -> None:
        self._stop_waiting()
        self._received = 0
        self._deadline = self.loop.call_later(self.head_seconds, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus) -> None:
        """There is no request yet that could be answered in full: say why, and hang up."""
        self._stop_waiting()
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            self.transport.write(head.encode())
            self.transport.close()


def bounded_protocol(tuning: Tuning) -> type[BoundedProtocol]:
    """The protocol with the bounds of ``tuning``; the server takes a class."""
    bounds = {"head_bytes": tuning.head_limit, "head_seconds": tuning.head_timeout}
    return type("BoundedProtocol", (BoundedProtocol,), bounds)
