"""What routes ask for in their signatures, as ``Annotated`` aliases."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from structlog.contextvars import bind_contextvars

from secapi_api.auth import scopes
from secapi_api.auth.callers import Caller
from secapi_api.clients import client_address, network
from secapi_api.errors import Unauthenticated
from secapi_api.rate_limits import RequestKind
from secapi_api.resources import Resources
from secapi_api.schemas import is_namespace
from secapi_api.sessions.cookies import COOKIE

_bearer = HTTPBearer(
    scheme_name="bearer",
    description=(
        "An API key (`sk_…`), a token that Kubernetes made for the audience `secapi`, or a JWT of the OpenID Connect "
        "provider, if one is configured: an access token or an ID token, made for the configured audience."
    ),
    auto_error=False,
)
_cookie = APIKeyCookie(
    name=COOKIE,
    scheme_name="session",
    description="A browser's session, begun by `POST /v1/sessions`; what changes something needs `X-CSRF-Token` too.",
    auto_error=False,
)


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


AppResources = Annotated[Resources, Depends(_resources)]
"""What the process opened at its start."""


async def _identify(
    request: Request,
    resources: AppResources,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    cookie: Annotated[str | None, Security(_cookie)],
) -> Callable[[], Awaitable[Caller]]:
    async def identified() -> Caller:
        if credentials is not None:
            named = {request.query_params.get("namespace"), request.path_params.get("namespace")}
            return await resources.authenticator.caller(
                credentials.credentials,
                set(filter(is_namespace, named)),
                client=network(client_address(request)),
                request_id=request.scope["state"]["request_id"],
            )
        if cookie is not None:
            person = await resources.authenticator.session_caller(cookie)
            if request.method not in scopes.SAFE_METHODS:
                person.require_csrf_token(request.headers.get("X-CSRF-Token"))
            return person
        raise Unauthenticated("send an API key: Authorization: Bearer sk_…")

    return identified


Identify = Annotated[Callable[[], Awaitable[Caller]], Depends(_identify)]
"""Asks who calls, as often as need be: a request that goes on for long must not outlive its caller's rights."""


async def _caller(request: Request, response: Response, resources: AppResources, identify: Identify) -> Caller:
    changes = request.method not in scopes.SAFE_METHODS
    caller = await identify()
    bind_contextvars(caller=caller.id)
    allowance = await resources.rate_limits.take(caller.id, RequestKind.WRITES if changes else RequestKind.READS)
    response.headers.update(allowance.headers)
    caller.require_scope(scopes.needed(request.scope["route"].tags[0], request.method))
    return caller


AuthenticatedCaller = Annotated[Caller, Depends(_caller)]
"""Who calls; raises Unauthenticated, RateLimited. What they may do is asked of the caller itself."""
