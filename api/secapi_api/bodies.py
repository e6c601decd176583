"""Reading JSON bodies strictly, after the caller is known.

FastAPI reads a declared body before it runs any dependency, and converts types as it goes (``"5"`` becomes 5). Here
the body is a dependency like any other, so a stranger's body is not read at all; types are as the OpenAPI document
says; and what Postgres or Kubernetes could not store is refused with its place instead of failing later.
"""

import math
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from secapi_api.errors import FieldError, InvalidRequest, UnsupportedMediaType
from secapi_api.problems import field_errors
from secapi_core.crds.base import Model
from secapi_core.pointers import json_pointer

M = TypeVar("M", bound=Model)

_INTEGERS = range(-(2**63), 2**63)

documented_models: list[type[Model]] = []
"""Every model given to ``request_body``: their schemas belong in the OpenAPI document."""


def request_body(model: type[Model]) -> dict[str, Any]:
    """``openapi_extra`` of a route that takes ``model`` through :class:`JsonBody`."""
    documented_models.append(model)
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


class JsonBody(Generic[M]):
    """A dependency that gives the request's body as ``model``; declare it after the caller."""

    def __init__(self, model: type[M]) -> None:
        """Remember what to read."""
        self.model = model

    async def __call__(self, request: Request) -> M:
        """Raises UnsupportedMediaType or InvalidRequest with a pointer for every problem."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise UnsupportedMediaType("send JSON with Content-Type: application/json")
        raw = await request.body()
        try:
            unstorable = list(_unstorable(from_json(raw), ()))
        except ValueError as error:
            raise InvalidRequest("the body is not JSON", errors=[FieldError("", str(error))]) from error
        if unstorable:
            raise InvalidRequest("the body has values that cannot be stored", errors=unstorable[:100])
        try:
            return self.model.model_validate_json(raw, strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            raise InvalidRequest("correct the fields named in errors", errors=field_errors(details[:100])) from error


def _unstorable(value: Any, place: tuple[str | int, ...]) -> Iterator[FieldError]:
    """Depth is bounded by the JSON parser, which refuses what nests too deeply."""
    match value:
        case dict():
            for key, item in value.items():
                if "\0" in key:
                    yield FieldError(json_pointer(place), "a name must not contain the character U+0000")
                yield from _unstorable(item, (*place, key))
        case list():
            for index, item in enumerate(value):
                yield from _unstorable(item, (*place, index))
        case str() if "\0" in value:
            yield FieldError(json_pointer(place), "must not contain the character U+0000")
        case float() if not math.isfinite(value):
            yield FieldError(json_pointer(place), "must be a finite number")
        case int() if value not in _INTEGERS:
            yield FieldError(json_pointer(place), "must be an integer of at most 64 bits")
