"""What the schemas of all resources share."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeGuard, TypeVar

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue

from secapi_core import paging
from secapi_core.crds.base import Model

T = TypeVar("T")


class Schema(Model):
    """A body or an answer; the docstring below a field is its description in the OpenAPI document."""


class Page(Schema, Generic[T]):
    """One page of a list."""

    items: list[T]

    next_cursor: str | None
    """Give it as ``cursor`` to get the next page; null on the last one."""


@dataclass(frozen=True, slots=True)
class JsonOf:
    """Annotates a JSON object that is kept elsewhere: shown as it is stored, documented as ``model``.

    It is not read as ``model`` again, which may have changed since it was stored.
    """

    model: type[Model]

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The model's own schema."""
        return handler(self.model.__pydantic_core_schema__)


Limit = Annotated[int, Query(ge=1, le=paging.MAX_LIMIT, description="Items on one page, at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=paging.CURSOR_LIMIT, description="`nextCursor` of the page before; opaque and not to be made up."),
]


class PageQuery(Schema):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor = None


SPACES = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""Control characters and spaces, for a class in a pattern: ``\\s`` is not the same to all who read the document."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def _rfc_3339(value: object) -> datetime:
    """Pydantic alone also reads numbers, as seconds or as milliseconds, and times without their seconds."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    raise ValueError("must be a time as RFC 3339 has it, e.g. 2026-11-26T09:30:00Z")


Timestamp = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]
"""A moment that a caller names."""


_NAMESPACE = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

Namespace = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=_NAMESPACE,
        examples=["team-a"],
        description="Kubernetes namespace: the tenant.",
    ),
]


def is_namespace(text: str | None) -> TypeGuard[str]:
    """Whether ``text`` could be the name of one."""
    return text is not None and len(text) <= 63 and re.fullmatch(_NAMESPACE, text) is not None
