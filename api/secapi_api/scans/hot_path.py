"""``GET /v1/scans/{scanId}`` without the framework, for callers who were authenticated a moment ago.

What programs repeat while they wait must not cost a multiple of its statement. So an ASGI layer answers it, as the
route would and with the same parts, inside of all the other layers. Whatever is not exactly this it leaves to the
route: it knows no credential but API keys that a route has seen lately (docs/decisions/0019).
"""

import re
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from secapi_api.auth import scopes
from secapi_api.auth.callers import Caller
from secapi_api.errors import ApiError
from secapi_api.problems import expected_problem
from secapi_api.rate_limits import RequestKind
from secapi_api.resources import Resources
from secapi_api.scans.routes import get_scan, router

_PATH = re.compile(r"/v1/scans/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_BEARER = b"Bearer "
_ROUTE = next(route for route in router.routes if getattr(route, "endpoint", None) is get_scan)
_SCOPE = scopes.needed("scans", "GET")


class HotPath:
    """Innermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``, which has the route."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer if it is the hot read, by somebody who is known."""
        path = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        credential = None if path is None or scope["query_string"] else _credential(scope)
        if path is None or credential is None:
            await self.app(scope, receive, send)
            return
        resources: Resources = scope["app"].state.resources
        caller = resources.authenticator.known.find(credential)
        if caller is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        try:
            await _answer(resources, caller, UUID(path[1]), send)
        except ApiError as error:
            await expected_problem(scope, error)(scope, receive, send)


def _credential(scope: Scope) -> bytes | None:
    """What comes in the one header that it has to come in."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    return values[0].removeprefix(_BEARER) if len(values) == 1 and values[0].startswith(_BEARER) else None


async def _answer(resources: Resources, caller: Caller, scan_id: UUID, send: Send) -> None:
    """In the order of ``dependencies`` and the route; raises what they raise."""
    bind_contextvars(caller=caller.id)
    allowance = await resources.rate_limits.take(caller.id, RequestKind.READS)
    caller.require_scope(_SCOPE)
    body = await resources.scan_reads.shown(scan_id, caller)
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    headers += [(name.lower().encode(), value.encode()) for name, value in allowance.headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
