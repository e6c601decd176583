"""The scanners that SecAPI ships: one ``Scanner`` manifest per file; ``testing/`` holds those no installation gets."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from secapi_core.crds.scanner import Scanner

CATALOGUE = Path(str(files(__name__)))
RULES = CATALOGUE.parent / "rules"
"""What ``{rules}`` in an argv template stands for."""


@cache
def built_in(*, testing: bool = False) -> dict[str, Scanner]:
    """Every scanner of the catalogue by name, those for tests only if asked for."""
    folders = [CATALOGUE, CATALOGUE / "testing"] if testing else [CATALOGUE]
    paths = sorted(path for folder in folders for path in folder.glob("*.yaml"))
    scanners = [Scanner.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in paths]
    return {scanner.metadata.name: scanner for scanner in scanners}
