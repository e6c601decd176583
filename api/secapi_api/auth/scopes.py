"""What a credential may be used for, below what its owner may do. Pure.

A scope is a group of routes (their tag) and whether they only read: ``scans:read``, ``scans:write``.
"""

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

GROUPS = (
    "api-keys",
    "artifacts",
    "audit",
    "dead-letters",
    "memberships",
    "policies",
    "scanners",
    "scans",
    "schedules",
    "sessions",
    "stats",
    "users",
    "webhooks",
)
"""Tags of all routes that need a caller."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Scope = Annotated[
    str,
    Field(pattern=rf"^({'|'.join(GROUPS)}):(read|write)$", examples=["scans:write"], description="`GROUP:read|write`"),
]


def needed(group: str, method: str) -> str:
    """The scope for a request."""
    return f"{group}:{'read' if method in SAFE_METHODS else 'write'}"


def covers(scopes: Collection[str], scope: str) -> bool:
    """Whether ``scope`` is among ``scopes``; who may write may read, too."""
    group, _, _ = scope.partition(":")
    return scope in scopes or f"{group}:write" in scopes
