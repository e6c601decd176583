"""What is built: a package that a ``go.mod`` pins, and where in the cache the program is."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from secapi_dev import paths


@dataclass(frozen=True)
class GoModule:
    """A directory with ``go.mod`` and ``go.sum``, which pin whatever is built in it."""

    directory: Path

    def cache(self) -> Path:
        """Directory for what the pins build: another pin, another directory."""
        pins = (self.directory / "go.mod").read_bytes() + (self.directory / "go.sum").read_bytes()
        return paths.cache() / self.directory.name / hashlib.sha256(pins).hexdigest()[:12]

    def version(self, dependency: str) -> str:
        """The pinned version of a module, with its ``v``."""
        pin = rf"^\s*(?:require )?{re.escape(dependency)} (v\S+)"
        match = re.search(pin, (self.directory / "go.mod").read_text(), re.MULTILINE)
        assert match, f"go.mod pins {dependency}"  # noqa: S101 - a broken checkout, not an input
        return match[1]


@dataclass(frozen=True, kw_only=True)
class GoProgram:
    """``seconds`` is what building takes on two cores with nothing downloaded or compiled yet.

    ``variables`` are Go string variables set by the linker: what a program says its version is, which ``go build`` of a
    dependency does not fill in.
    """

    module: GoModule
    name: str
    package: str
    seconds: int
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where the program is once it is built."""
        return self.module.cache() / self.name

    @property
    def built(self) -> bool:
        """Whether it is there and may be executed."""
        return os.access(self.path, os.X_OK)

    @property
    def linker_flags(self) -> str:
        """Strip the program and tell it its version."""
        return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in self.variables.items())])
