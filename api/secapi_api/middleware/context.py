"""The request's id, in its logs and its answer, and the headers that every answer carries."""

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

REQUEST_ID = b"x-request-id"
_SANE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

SECURITY_HEADERS = {
    # Answers hold findings and are made for one caller: nothing between us may keep them.
    "Cache-Control": "no-store",
    # No answer is a page that loads anything; a browser that is tricked into showing one gets nothing to run.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SECURITY_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class RequestContext:
    """Outermost layer: ``scope["state"]["request_id"]`` is set for everything inside."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take over the caller's id if it cannot confuse a log, else make one."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
        request_id = given.decode() if _SANE_ID.fullmatch(given) else secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = message["headers"] = list(message["headers"])
                names = {name for name, _ in sent}
                sent += [header for header in _SECURITY_HEADERS if header[0] not in names]
                sent.append((REQUEST_ID, request_id.encode()))
            await send(message)

        # The caller is bound by whoever finds it out, and unbound with the id.
        bound = bind_contextvars(request_id=request_id, caller=None)
        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            reset_contextvars(**bound)
