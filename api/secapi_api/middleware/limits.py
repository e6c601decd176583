"""How many bytes a request may send, and how long it may take to begin its answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from secapi_api.errors import ContentTooLarge, RequestTimeout
from secapi_api.problems import problem_response


@dataclass(frozen=True, slots=True)
class Bounds:
    """``body`` in bytes; ``seconds`` from the headers to the start of the response, the body's arrival included."""

    body: int
    seconds: float


class RequestLimits:
    """Applies ``default``, or what ``special`` says for a (method, path)."""

    def __init__(self, app: ASGIApp, default: Bounds, special: Mapping[tuple[str, str], Bounds]) -> None:
        """Wrap ``app``."""
        self.app, self.default, self.special = app, default, special

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse by ``Content-Length`` at once, count what comes without one, and stop the clock at the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        bounds = self.special.get((scope["method"], scope["path"]), self.default)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if announced.isdigit() and int(announced) > bounds.body:
            await problem_response(scope, ContentTooLarge.than(bounds.body))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > bounds.body:
                raise ContentTooLarge.than(bounds.body)
            return message

        async def stopping_the_clock(message: Message) -> None:
            if not clock.expired():
                clock.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(bounds.seconds) as clock:
                await self.app(scope, counted, stopping_the_clock)
        except TimeoutError:
            if not clock.expired():
                raise
            late = RequestTimeout(f"no answer within {bounds.seconds:g} s; try again")
            await problem_response(scope, late)(scope, receive, send)
