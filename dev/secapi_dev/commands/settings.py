"""``secapi-dev settings``."""

from typing import Annotated

import typer

from secapi_dev import paths, settings_reference
from secapi_dev.errors import StackError
from secapi_dev.progress import Progress

PAGE = paths.CHECKOUT / "docs" / "reference" / "settings.md"


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the file is not what would be written.")
    ] = False,
) -> None:
    """Write docs/reference/settings.md from the components' settings classes."""
    wanted = settings_reference.document()
    current = PAGE.exists() and PAGE.read_text() == wanted
    if check and not current:
        raise StackError("docs/reference/settings.md is not what the settings say; run make settings")
    if not current:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(wanted)
    Progress().say(f"docs/reference/settings.md: {'unchanged' if current else 'written'}")
