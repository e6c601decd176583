"""``secapi-dev metrics``."""

from secapi_dev import metrics_reference, paths
from secapi_dev.generated import Check, keep


def command(check: Check = False) -> None:
    """Write docs/reference/metrics.md from the components' metrics."""
    keep(
        paths.CHECKOUT / "docs" / "reference" / "metrics.md",
        metrics_reference.document().encode(),
        check=check,
        target="metrics",
    )
