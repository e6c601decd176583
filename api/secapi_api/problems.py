"""Every error as RFC 9457 ``application/problem+json``: one model, one translation, one handler."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import Field
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from secapi_api.errors import (
    ApiError,
    ContentTooLarge,
    FieldError,
    FrameworkRefusal,
    InvalidRequest,
    ScanRefused,
    Unavailable,
)
from secapi_core import tracing
from secapi_core.crds.base import Model
from secapi_core.errors import Rejected, SecapiError
from secapi_core.objects import DigestMismatch, ObjectStoreUnavailable, ObjectTooLarge
from secapi_core.paging import InvalidCursor
from secapi_core.pointers import json_pointer

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:secapi:problem:"

log = structlog.get_logger(__name__)


class FieldProblem(Model):
    """One thing wrong with the request."""

    pointer: Annotated[str, Field(examples=["/spec/targets/0/url"])]
    """JSON pointer into the body; parameters are ``/query/…``, ``/path/…`` and ``/header/…``."""

    detail: str


class Problem(Model):
    """What went wrong, for programs (``type``, ``errors``) and people (``title``, ``detail``)."""

    type: Annotated[str, Field(examples=[f"{_TYPE_PREFIX}invalid-request"])]
    """Stable name of the kind of problem."""

    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    """What happened to this request and what to do about it."""

    instance: Annotated[str, Field(examples=["/v1/scans"])]
    """Path of the request."""

    request_id: str
    """Names this request in the logs; give it when asking for help."""

    errors: list[FieldProblem] = Field(default_factory=list)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a router or a route that answers problems with these statuses; ``openapi`` has the schema."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def field_errors(details: Iterable[ErrorDetails]) -> list[FieldError]:
    """Pydantic's errors as ours; the input is not repeated, because it may be large or secret."""
    return [FieldError(json_pointer(detail["loc"]), _sentence(detail)) for detail in details]


def problem_response(scope: Scope, error: Exception) -> Response:
    """The answer to a request that ended in ``error``, whatever it is."""
    return _response(scope, _told(error))


def install(app: FastAPI) -> None:
    """Handle everything that is raised on purpose; the rest is caught by ``middleware.failsafe``."""
    for kind in (ApiError, SecapiError, InvalidCursor, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        error.headers = {**(error.headers or {}), "Allow": _allowed(request)}
    return expected_problem(request.scope, error)


def expected_problem(scope: Scope, error: Exception) -> Response:
    """The answer to a request that ended in an error which was raised on purpose; failures of others are logged."""
    told = _told(error)
    if told.status >= 500:
        cause = error.__cause__ or error
        log.warning("request failed", problem=told.slug, detail=told.detail, cause=repr(cause))
        tracing.failed(cause)
    return _response(scope, told)


def _allowed(request: Request) -> str:
    """Every method of the path: each is a route of its own, and the framework names that of the first one only."""
    matches = ((route, route.matches(request.scope)[0]) for route in iter_route_contexts(request.app.routes))
    return ", ".join(sorted({method for route, match in matches if match.value for method in route.methods or ()}))


def _told(error: Exception) -> ApiError:
    """What the caller is told about ``error``; an unknown error says nothing about itself."""
    match error:
        case ApiError():
            return error
        case Rejected():
            return ScanRefused(error)
        case RequestValidationError():
            return InvalidRequest("correct the fields named in errors", errors=field_errors(error.errors()))
        case InvalidCursor():
            return InvalidRequest("begin again without a cursor", errors=[FieldError("/query/cursor", str(error))])
        case HTTPException():
            return FrameworkRefusal(error)
        case ObjectTooLarge():
            return ContentTooLarge(error.failure.message)
        case DigestMismatch():
            return InvalidRequest(
                "the upload is not what its digest promises",
                errors=[FieldError("/header/Content-Digest", error.failure.message)],
            )
        case ObjectStoreUnavailable():
            return Unavailable("the object store failed; try again")
        case _:
            return ApiError("the server made a mistake; its logs have it under this request id")


def _response(scope: Scope, told: ApiError) -> Response:
    problem = Problem(
        type=_TYPE_PREFIX + told.slug,
        title=told.title,
        status=told.status,
        detail=told.detail,
        instance=scope["path"],
        request_id=scope["state"]["request_id"],
        errors=[FieldProblem(pointer=e.pointer, detail=e.detail) for e in told.errors],
    )
    return Response(problem.model_dump_json(by_alias=True), told.status, headers=told.headers, media_type=MEDIA_TYPE)


def _sentence(detail: ErrorDetails) -> str:
    """Pydantic's message without the words it puts before ours."""
    return detail["msg"].removeprefix("Value error, ")
