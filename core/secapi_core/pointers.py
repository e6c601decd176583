"""JSON pointers (RFC 6901), the way errors name a field: ``/targets/0/url``."""

from collections.abc import Iterable


def json_pointer(parts: Iterable[str | int], base: str = "") -> str:
    """``base`` continued by the escaped ``parts``."""
    return base + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
