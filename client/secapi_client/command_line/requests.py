"""Scans and schedules described in a file."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from secapi_client.command_line.outcomes import CommandFailed
from secapi_client.models.specs import ScanSpec, ScheduleSpec


@dataclass(frozen=True, slots=True)
class Request:
    """What to submit; the names may be missing."""

    spec: ScanSpec
    namespace: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class NamedSchedule:
    """What to apply; the namespace may be missing."""

    name: str
    spec: ScheduleSpec
    namespace: str | None = None


def read_request(file: Path) -> Request:
    """A ScanRequest as for kubectl, the body of ``POST /v1/scans``, or a spec alone.

    The server says whether it is right.
    """
    names, spec = _read(file, "ScanRequest")
    if not isinstance(spec, dict) or not isinstance(spec.get("targets"), list):
        raise CommandFailed(f"{file}: spec.targets must be a list of what to scan")
    return Request(cast("ScanSpec", spec), names.get("namespace"), names.get("name"))


def read_schedule(file: Path) -> NamedSchedule:
    """A ScanSchedule as for kubectl, or the body of ``POST /v1/schedules``. The server says whether it is right."""
    names, spec = _read(file, "ScanSchedule")
    name = names.get("name")
    if not isinstance(name, str) or not name or not isinstance(spec, dict):
        raise CommandFailed(f"{file} must have a name and a spec, as a ScanSchedule for kubectl has")
    return NamedSchedule(name, cast("ScheduleSpec", spec), names.get("namespace"))


def _read(file: Path, kind: str) -> tuple[dict[str, Any], object]:
    """What holds the names, and the spec."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
        documents = list(yaml.safe_load_all(text))
    except UnicodeDecodeError:
        raise CommandFailed(f"{file} is not text") from None
    except yaml.YAMLError as error:
        raise CommandFailed(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise CommandFailed(f"{file} must hold one object, such as a {kind}")
    found = documents[0]
    if found.get("kind", kind) != kind:
        raise CommandFailed(f"{file} is a {found['kind']}, not a {kind}")
    metadata = found.get("metadata") if "kind" in found else found
    return metadata if isinstance(metadata, dict) and "spec" in found else {}, found.get("spec", found)
