"""This source tree as an archive, to be scanned like anybody's."""

import io
import tarfile
from pathlib import Path

FOLDERS = ("api", "core", "dev", "operator", "workers", "migrations", "tests/data/semgrep-rules")
"""SecAPI's own code, and the files with planted mistakes that its Semgrep rules are tested on."""


def archive(checkout: Path) -> bytes:
    """A gzipped tar of the checkout's code, without what tools leave in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for folder in FOLDERS:
            tar.add(checkout / folder, arcname=folder, filter=_without_leftovers)
    return buffer.getvalue()


def _without_leftovers(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.name.rpartition("/")[2] in ("__pycache__", ".hypothesis") else entry
