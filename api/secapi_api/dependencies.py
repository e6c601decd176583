"""What routes ask for in their signatures, as ``Annotated`` aliases."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from structlog.contextvars import bind_contextvars

from secapi_api.auth.callers import Caller
from secapi_api.auth.service import authenticate
from secapi_api.errors import Unauthenticated
from secapi_api.resources import Resources

_bearer = HTTPBearer(
    scheme_name="apiKey",
    description="An API key: ``Authorization: Bearer sk_…``",
    bearerFormat="sk_…",
    auto_error=False,
)


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


AppResources = Annotated[Resources, Depends(_resources)]
"""What the process opened at its start."""


async def _caller(
    resources: AppResources,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    if credentials is None:
        raise Unauthenticated(
            "send an API key: Authorization: Bearer sk_…", headers={"WWW-Authenticate": 'Bearer realm="secapi"'}
        )
    async with resources.ledger.reading() as session:
        caller = await authenticate(session, credentials.credentials, resources.settings.api_key_pepper)
    bind_contextvars(caller=caller.id)
    return caller


AuthenticatedCaller = Annotated[Caller, Depends(_caller)]
"""Who calls; raises Unauthenticated. What they may do is asked of the caller itself."""
