"""Changes of what others change as well: read it, change it unless somebody was faster, and else begin again."""

from collections.abc import Callable
from typing import TypeVar

from secapi_client.errors import Conflict

ATTEMPTS = 5
"""At a change: the server itself is somebody else, who changes schedules that are due, and webhooks that fail."""

T = TypeVar("T")


def repeated(attempt: Callable[[], T]) -> T:
    """What it answers, once nobody else was faster; raises the last Conflict."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except Conflict:
            continue
    return attempt()
