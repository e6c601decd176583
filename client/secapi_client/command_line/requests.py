"""Scans described in a file."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from secapi_client.command_line.outcomes import CommandFailed
from secapi_client.models.specs import ScanSpec


@dataclass(frozen=True, slots=True)
class Request:
    """What to submit; the names may be missing."""

    spec: ScanSpec
    namespace: str | None = None
    name: str | None = None


def read_request(file: Path) -> Request:
    """A ScanRequest as for kubectl, the body of ``POST /v1/scans``, or a spec alone.

    The server says whether it is right.
    """
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        documents = list(yaml.safe_load_all(text))
    except UnicodeDecodeError:
        raise CommandFailed(f"{file} is not text") from None
    except yaml.YAMLError as error:
        raise CommandFailed(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise CommandFailed(f"{file} must hold one object: a ScanRequest, or its spec")
    return _request(file, documents[0])


def _request(file: Path, found: dict[str, Any]) -> Request:
    if found.get("kind", "ScanRequest") != "ScanRequest":
        raise CommandFailed(f"{file} is a {found['kind']}, not a ScanRequest")
    metadata = found.get("metadata") if "kind" in found else found
    names = metadata if isinstance(metadata, dict) and "spec" in found else {}
    spec = found.get("spec", found)
    if not isinstance(spec, dict) or not isinstance(spec.get("targets"), list):
        raise CommandFailed(f"{file}: spec.targets must be a list of what to scan")
    return Request(cast("ScanSpec", spec), names.get("namespace"), names.get("name"))
