"""``secapi-dev rest``."""

from secapi_dev import paths, rest_reference
from secapi_dev.generated import Check, keep


def command(check: Check = False) -> None:
    """Write docs/reference/rest.md from the OpenAPI document."""
    keep(
        paths.CHECKOUT / "docs" / "reference" / "rest.md",
        rest_reference.document().encode(),
        check=check,
        target="rest",
    )
