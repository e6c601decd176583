"""Reading a process's settings from its environment, with errors for whoever wrote that environment."""

import sys
from collections.abc import Iterator
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsError

S = TypeVar("S", bound=BaseSettings)


def read_settings(kind: type[S]) -> S:
    """The settings; ends the process with a line for each wrong variable, which quotes no value: some are secrets."""
    try:
        return kind()
    except ValidationError as error:
        prefixes = {group.__name__: group.model_config.get("env_prefix", "") for group in _groups(kind)}
        sys.exit("\n".join(_sentence(detail, prefixes.get(error.title, "")) for detail in error.errors()))
    except SettingsError as error:
        # A list that is not JSON; the message names the field.
        sys.exit(str(error))


def _groups(kind: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    """The class and the classes of settings that it holds, each of which has a prefix of its own."""
    yield kind
    for field in kind.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            yield field.annotation


def _sentence(detail: ErrorDetails, prefix: str) -> str:
    if not detail["loc"]:
        return detail["msg"]
    name = str(detail["loc"][0])
    # Some variables have names of their own, written as they are in the environment.
    variable = name if name.isupper() else f"{prefix}{name}".upper()
    return f"{variable} is not set" if detail["type"] == "missing" else f"{variable}: {detail['msg']}"
