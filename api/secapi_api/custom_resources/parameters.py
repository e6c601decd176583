"""Parameters that name objects and lists of them."""

from typing import Annotated

from fastapi import Path

from secapi_api.schemas import Namespace, PageQuery

ObjectName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        description="`metadata.name` of the object.",
    ),
]
"""Also a name that REST would not give, but ``kubectl`` may have."""


class NamespacedQuery(PageQuery):
    """Which objects."""

    namespace: Namespace | None = None
    """Left out: the only namespace that you have a role in, or all of them with a role for the whole platform."""
