"""Lists."""

from typing import Generic, TypeVar

from secapi_client.models.base import Model

T = TypeVar("T", bound=Model)


class Page(Model, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None
