"""The objects as they are kept in memory: of a ScanRequest what reconciling needs, of the other kinds the spec."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from sys import intern
from typing import Any, NamedTuple, Self, TypeVar

import orjson
import structlog
from pydantic import ValidationError

from secapi_core.conditions import SUCCEEDED
from secapi_core.crds.scanner import Scanner, ScannerSpec
from secapi_core.crds.scanpolicy import ScanPolicy, ScanPolicySpec
from secapi_core.crds.scanrequest import SUBMITTED_BY, TRACEPARENT
from secapi_core.errors import describe

log = structlog.get_logger(__name__)

_SUBMITTED_BY_LIMIT = 253
"""Characters; an annotation may have 256 KiB."""

_TRACEPARENT_LIMIT = 55
"""Characters of the one version of a traceparent that there is."""


class ScanKey(NamedTuple):
    """What is queued: one life of a name. A ScanRequest that is deleted and created again has another ``uid``."""

    namespace: str
    name: str
    uid: str


class Stage(IntEnum):
    """What the status already says; it is written only to raise the stage, so at most twice."""

    BLANK = 0
    OPEN = 1
    FINAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What every kind has; cluster-scoped objects have an empty namespace."""

    namespace: str
    name: str
    uid: str
    version: int
    """``metadata.resourceVersion``, which grows with every change of any object of the kind."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """From an object as the apiserver returns it."""
        raise NotImplementedError

    def following(self, old: Self) -> Self:
        """This version of an object, with what only this process knows of it carried over from ``old``."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScan(StoredObject):
    """A ScanRequest without what nobody asks for."""

    generation: int
    stage: Stage
    cancel: bool
    deleting: bool
    ttl: int | None
    completed_at: float | None
    """Seconds since the epoch."""

    spec: str | None
    """JSON; dropped once the scan is over. Not the bytes that orjson makes, which hold on to 4 KB each."""

    submitted_by: str | None = None
    """On whose behalf, as far as the object says."""

    traceparent: str | None = None
    """The trace that planning goes on with."""

    noticed_at: float = field(default_factory=time.monotonic)
    """When this process first saw the object, on its own clock."""

    @property
    def key(self) -> ScanKey:
        """The queue's key for this object."""
        return ScanKey(self.namespace, self.name, self.uid)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Trim the object; an unreadable part is left to planning, which says what is wrong."""
        metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
        stage = _stage(status)
        annotations = metadata.get("annotations") or {}
        submitted_by = annotations.get(SUBMITTED_BY)
        completed = status.get("completionTime")
        return cls(
            **_identity(metadata),
            generation=metadata.get("generation", 1),
            stage=stage,
            cancel=bool(spec.get("cancel")),
            deleting="deletionTimestamp" in metadata,
            ttl=spec.get("ttlSecondsAfterFinished"),
            completed_at=datetime.fromisoformat(completed).timestamp() if completed else None,
            spec=None if stage is Stage.FINAL else orjson.dumps(spec).decode(),
            submitted_by=intern(submitted_by[:_SUBMITTED_BY_LIMIT]) if submitted_by else None,
            traceparent=None if stage is Stage.FINAL else annotations.get(TRACEPARENT, "")[:_TRACEPARENT_LIMIT] or None,
        )

    def following(self, old: Self) -> Self:
        """Keep when the object was first seen."""
        return replace(self, noticed_at=old.noticed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScanner(StoredObject):
    """A catalogue entry; ``spec`` is ``None`` if this version of SecAPI cannot read it."""

    spec: ScannerSpec | None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Read the whole entry."""
        scanner = _validated(Scanner, raw)
        return cls(**_identity(raw["metadata"]), spec=scanner.spec if scanner else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPolicy(StoredObject):
    """A policy; one that this version of SecAPI cannot read allows no scanner at all."""

    spec: ScanPolicySpec

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Read the whole policy."""
        policy = _validated(ScanPolicy, raw)
        return cls(**_identity(raw["metadata"]), spec=policy.spec if policy else ScanPolicySpec(scanners=[]))


R = TypeVar("R", Scanner, ScanPolicy)


def _validated(kind: type[R], raw: Mapping[str, Any]) -> R | None:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        log.warning("object cannot be read", kind=kind.KIND, name=raw["metadata"]["name"], error=describe(error))
        return None


def _identity(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "namespace": intern(metadata.get("namespace", "")),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "version": int(metadata["resourceVersion"]),
    }


def _stage(status: Mapping[str, Any]) -> Stage:
    for condition in status.get("conditions") or ():
        if condition["type"] == SUCCEEDED:
            return Stage.OPEN if condition["status"] == "Unknown" else Stage.FINAL
    return Stage.BLANK
