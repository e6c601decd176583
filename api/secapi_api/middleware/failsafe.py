"""The last line: an error that nobody expected becomes a log entry and a problem, never a stack trace."""

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from secapi_api.problems import problem_response
from secapi_core import tracing

log = structlog.get_logger(__name__)


class Failsafe:
    """Everything raised on purpose has been answered further inside (``problems.install``)."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """After the response has started the error goes on to the server, which can only close the connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except ClientDisconnect:
            log.info("client went away before its request was complete", path=scope["path"])
        except Exception as error:  # Whatever it is, the process goes on with the next request.
            log.exception("request ended in a defect", path=scope["path"])
            tracing.failed(error)
            if started:
                raise
            await problem_response(scope, error)(scope, receive, send)
