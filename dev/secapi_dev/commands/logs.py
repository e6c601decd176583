"""``secapi-dev logs``."""

from secapi_dev import logs_reference, paths
from secapi_dev.generated import Check, keep


def command(check: Check = False) -> None:
    """Write docs/reference/logs.md from the places where the components log."""
    keep(
        paths.CHECKOUT / "docs" / "reference" / "logs.md",
        logs_reference.document().encode(),
        check=check,
        target="logs",
    )
