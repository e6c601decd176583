"""What routes ask for in their signatures, as ``Annotated`` aliases."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from structlog.contextvars import bind_contextvars

from secapi_api.auth import scopes
from secapi_api.auth.callers import Caller
from secapi_api.errors import Unauthenticated
from secapi_api.resources import Resources
from secapi_api.schemas import is_namespace

_bearer = HTTPBearer(
    scheme_name="bearer",
    description="An API key (``sk_…``), or a token that Kubernetes made for the audience ``secapi``.",
    auto_error=False,
)


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


AppResources = Annotated[Resources, Depends(_resources)]
"""What the process opened at its start."""


async def _caller(
    request: Request,
    resources: AppResources,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    if credentials is None:
        raise Unauthenticated(
            "send an API key: Authorization: Bearer sk_…", headers={"WWW-Authenticate": 'Bearer realm="secapi"'}
        )
    named = {request.query_params.get("namespace"), request.path_params.get("namespace")}
    caller = await resources.authenticator.caller(credentials.credentials, set(filter(is_namespace, named)))
    bind_contextvars(caller=caller.id)
    caller.require_scope(scopes.needed(request.scope["route"].tags[0], request.method))
    return caller


AuthenticatedCaller = Annotated[Caller, Depends(_caller)]
"""Who calls; raises Unauthenticated. What they may do is asked of the caller itself."""
