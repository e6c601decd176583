"""Servers and keys that are kept between commands, in a file that nobody else can read."""

import contextlib
import os
import tempfile
from pathlib import Path

from platformdirs import user_config_path
from pydantic import BaseModel, Field, ValidationError

from secapi_client.command_line.outcomes import CommandFailed

DEFAULT_NAME = "default"


class Context(BaseModel):
    """A server, the key for it, and the namespace that is meant when a command names none."""

    server: str
    token: str = Field(repr=False)
    namespace: str | None = None


class Contexts(BaseModel):
    """All of them by name; ``current`` is used when a command names none."""

    current: str | None = None
    contexts: dict[str, Context] = Field(default_factory=dict)

    def get(self, name: str | None) -> Context | None:
        """The named one, which must exist; else the current one, if there is any."""
        if name is None:
            return self.contexts.get(self.current) if self.current is not None else None
        if name not in self.contexts:
            known = ", ".join(sorted(self.contexts)) or "none"
            raise CommandFailed(f"there is no context {name!r}; known: {known}; 'secapi login' makes one")
        return self.contexts[name]


def path() -> Path:
    """Of the file, in the platform's directory for settings."""
    return user_config_path("secapi", appauthor=False) / "contexts.json"


def read() -> Contexts:
    """What is kept; raises CommandFailed if the file is damaged."""
    try:
        return Contexts.model_validate_json(path().read_bytes())
    except FileNotFoundError:
        return Contexts()
    except ValidationError as error:
        # The error's own text repeats the file, keys and all.
        raise CommandFailed(f"{path()} is damaged; remove it and log in again") from error


def names() -> list[str]:
    """Of all contexts, for completion."""
    return sorted(read().contexts)


def write(contexts: Contexts) -> None:
    """Replace what is kept: readable and writable for the owner only, and never half-written."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp's files are the owner's alone from the start.
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".contexts-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(contexts.model_dump_json(indent=2) + "\n")
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
