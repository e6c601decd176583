"""Optimistic locking over HTTP: what is read carries an ``ETag``, what changes it names that in ``If-Match``.

A version is whatever its store counts with: a column of the ledger, or a ``metadata.resourceVersion``.
"""

import re
from typing import Annotated

from fastapi import Depends, Header

from secapi_api.errors import PreconditionFailed, PreconditionRequired

_TAG = re.compile(r'\s*"([!#-~]*)"\s*')


def etag(version: int | str) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


async def _version_required(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            max_length=200,
            description="The `ETag` of what you have read: nothing happens if it has changed since.",
        ),
    ] = None,
) -> str:
    if if_match is None:
        raise PreconditionRequired("read it first, and give its ETag as If-Match")
    match = _TAG.fullmatch(if_match)
    if match is None:
        # Also for "*": whoever changes something must know what it is.
        raise PreconditionFailed("If-Match must be the one ETag that reading it gave, with its quotation marks")
    return match[1]


ExpectedVersion = Annotated[str, Depends(_version_required)]
"""The version that a change is based on. Raises PreconditionRequired without ``If-Match``."""


def require_version(expected: str, current: int | str) -> None:
    """Raises PreconditionFailed unless nothing has changed."""
    if expected != str(current):
        raise changed_meanwhile()


def changed_meanwhile() -> PreconditionFailed:
    """For a store that compares versions itself."""
    return PreconditionFailed("it has changed since you read it; read it again and decide anew")
