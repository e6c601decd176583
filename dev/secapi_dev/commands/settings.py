"""``secapi-dev settings``."""

from secapi_dev import paths, settings_reference
from secapi_dev.generated import Check, keep


def command(check: Check = False) -> None:
    """Write docs/reference/settings.md from the components' settings classes."""
    keep(
        paths.CHECKOUT / "docs" / "reference" / "settings.md",
        settings_reference.document().encode(),
        check=check,
        target="settings",
    )
