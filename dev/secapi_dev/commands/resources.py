"""``secapi-dev resources``."""

from secapi_dev import paths, resources_reference
from secapi_dev.generated import Check, keep


def command(check: Check = False) -> None:
    """Write docs/reference/resources.md from the custom resources' schemas."""
    keep(
        paths.CHECKOUT / "docs" / "reference" / "resources.md",
        resources_reference.document().encode(),
        check=check,
        target="resources",
    )
