"""What a process needs of its environment, with errors for whoever wrote that environment."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsError

S = TypeVar("S", bound=BaseSettings)

_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


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


def require_cluster() -> None:
    """Go on only where ``KUBECONFIG`` or a pod's service account says which cluster; else end with a sentence."""
    named = os.environ.get("KUBECONFIG", "")
    if named:
        if not any(Path(path).is_file() for path in named.split(os.pathsep)):
            sys.exit(f"KUBECONFIG: there is no file {named}")
    elif "KUBERNETES_SERVICE_HOST" not in os.environ:
        sys.exit("KUBECONFIG is not set and this is not a pod: name a kubeconfig by it")
    elif not _TOKEN.is_file():
        sys.exit("this pod has no service account token: set automountServiceAccountToken, or name a KUBECONFIG")


def _groups(kind: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    """The class and the classes of settings that it holds, each of which has a prefix of its own."""
    yield kind
    for field in kind.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            yield field.annotation


def _sentence(detail: ErrorDetails, prefix: str) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0])
    # Some variables have names of their own, written as they are in the environment.
    variable = name if name.isupper() else f"{prefix}{name}".upper()
    return f"{variable} is not set" if detail["type"] == "missing" else f"{variable}: {message}"
