"""A response that is a stream of events; unlike FastAPI's own it does not wait for a client that reads nothing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from secapi_api.metrics import EVENT_STREAMS_ENDED
from secapi_api.middleware.observation import EVENT_STREAM

ABORT = "secapi.abort"
"""ASGI extension of our server: ``abort`` closes the connection without waiting for what was not sent."""

HEADERS = {
    # Neither compressed nor held back on its way.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


class EventStream(StreamingResponse):
    """Sends ``events``, each of them when the transport has room; what is not sent yet is not made."""

    def __init__(self, events: AsyncGenerator[bytes], place: AbstractContextManager[None], *, stall: float) -> None:
        """``place`` is taken before the answer begins. A client that takes nothing for ``stall`` seconds is cut off."""
        super().__init__(events, headers={**HEADERS, "Content-Type": EVENT_STREAM})
        self._events = events
        self._place = place
        self._stall = stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises what ``place`` raises; afterwards the stream ends without an error, whatever the client does."""
        with self._place:
            try:
                await super().__call__(scope, receive, send)
            except TimeoutError:
                EVENT_STREAMS_ENDED.labels("stalled").inc()
                if ABORT in scope.get("extensions", {}):
                    scope["extensions"][ABORT]["abort"]()
                    await asyncio.sleep(0)  # The server notices.

    async def stream_response(self, send: Send) -> None:
        """Raises TimeoutError when the client stalls; the events are closed in any case."""
        async with aclosing(self._events):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                async for event in self._events:
                    async with asyncio.timeout(self._stall):
                        await send({"type": "http.response.body", "body": event, "more_body": True})
                    await asyncio.sleep(0)  # Others may have something to send too.
            except asyncio.CancelledError:
                EVENT_STREAMS_ENDED.labels("client").inc()
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})
