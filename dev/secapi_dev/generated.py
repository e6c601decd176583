"""Files that are generated and kept: written by one make target, compared by ``make check``."""

from pathlib import Path
from typing import Annotated

import typer

from secapi_dev import paths
from secapi_dev.errors import StackError
from secapi_dev.progress import Progress

Check = Annotated[bool, typer.Option("--check", help="Write nothing; fail if the file is not what would be written.")]


def keep(path: Path, wanted: bytes, *, check: bool, target: str) -> None:
    """Write ``wanted`` unless it is there; with ``check`` raise ``StackError`` instead, naming the make target."""
    name = path.relative_to(paths.CHECKOUT)
    current = path.exists() and path.read_bytes() == wanted
    if check and not current:
        raise StackError(f"{name} is not what would be generated; run make {target}")
    if not current:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted)
    Progress().say(f"{name}: {'unchanged' if current else 'written'}")
