"""One log line and one histogram sample for every request."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from secapi_api.metrics import REQUEST_DURATION, REQUESTS_IN_FLIGHT, method_label, route_label

ABORTED = "aborted"
"""Status label of a request that got no answer: it was cancelled, or the process made a mistake in answering."""

EVENT_STREAM = "text/event-stream"
_EVENT_STREAM = EVENT_STREAM.encode()

UNREMARKABLE = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths of probes and scrapes, which are most of the requests of an idle API: neither logged nor traced."""

log = structlog.get_logger("secapi_api.access")


class Observation:
    """Measures from the request's headers to the end of its response, or to the beginning of a stream of events.

    How long a stream goes on says how long somebody listened, not how long anybody waited.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is unremarkable is logged at debug level."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = ABORTED
        streaming: float | None = None

        async def noting(message: Message) -> None:
            nonlocal status, streaming
            if message["type"] == "http.response.start":
                status = str(message["status"])
                if any(
                    name == b"content-type" and value.startswith(_EVENT_STREAM) for name, value in message["headers"]
                ):
                    streaming = time.perf_counter() - started
            await send(message)

        REQUESTS_IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, noting)
        finally:
            REQUESTS_IN_FLIGHT.dec()
            seconds = time.perf_counter() - started
            route = route_label(scope)
            answered = seconds if streaming is None else streaming
            REQUEST_DURATION.labels(route, method_label(scope), status).observe(answered)
            (log.debug if route in UNREMARKABLE else log.info)(
                "request answered",
                method=scope["method"],
                path=scope["path"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )
