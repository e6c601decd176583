"""Targets and scanners as they are written on the command line. Pure but for looking whether a path exists."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secapi_client.command_line.outcomes import CommandFailed
from secapi_client.models.specs import ArtifactTarget, HostTarget, ImageTarget, RepositoryTarget, ScannerUse, Target

_KIND = re.compile(r"(?P<kind>url|host|repository|artifact|image)=(?P<value>.+)", re.DOTALL)
_HOST = re.compile(r"(?P<address>\[[^\]]+\]|[^:]+)(?::(?P<ports>[0-9,-]+))?")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file or directory of this machine that becomes a target by being uploaded."""

    path: Path


def parse_target(word: str) -> Target | Upload:
    """``KIND=…``, or what can be nothing else: an address with a scheme, a digest, a path with a ``/``, else a host."""
    if kind := _KIND.fullmatch(word):
        return _of_kind(kind["kind"], kind["value"])
    if "://" in word:
        return Target(url=word)
    if word.startswith("sha256:") or "/" in word or word in (".", ".."):
        return _artifact(word)
    return _host(word)


def parse_scanner(word: str) -> ScannerUse:
    """``name`` or ``name:parameter=value,…``; a value is JSON if it can be, else text, and may have commas in it."""
    name, has_parameters, rest = word.partition(":")
    if not has_parameters:
        return ScannerUse(name=name)
    pieces: list[str] = []
    for piece in rest.split(","):
        if "=" in piece:
            pieces.append(piece)
        elif pieces:
            pieces[-1] += f",{piece}"
        else:
            raise CommandFailed(f"--scanner {word}: write parameters as {name}:parameter=value")
    pairs = (piece.partition("=") for piece in pieces)
    return ScannerUse(name=name, parameters={parameter: _value(value) for parameter, _, value in pairs})


def _of_kind(kind: str, value: str) -> Target | Upload:
    match kind:
        case "url":
            return Target(url=value)
        case "repository":
            return _repository(value)
        case "artifact":
            return _artifact(value)
        case "image":
            return Target(image=ImageTarget(reference=value))
        case _:
            return _host(value)


def _host(word: str) -> Target:
    match = _HOST.fullmatch(word)
    if match is None:
        raise CommandFailed(f"--target {word}: write a host as shop.example, shop.example:22,443 or [2001:db8::7]:443")
    host = HostTarget(address=match["address"].strip("[]"))
    if match["ports"]:
        host["ports"] = match["ports"]
    return Target(host=host)


def _repository(value: str) -> Target:
    """``URL#ref:path``, as container tools write it."""
    url, _, fragment = value.partition("#")
    ref, _, path = fragment.partition(":")
    repository = RepositoryTarget(url=url)
    if ref:
        repository["ref"] = ref
    if path:
        repository["path"] = path
    return Target(repository=repository)


def _artifact(value: str) -> Target | Upload:
    if value.startswith("sha256:"):
        return Target(artifact=ArtifactTarget(digest=value))
    path = Path(value)
    if not path.exists():
        raise CommandFailed(f"--target {value}: there is no such file or directory here")
    return Upload(path)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
