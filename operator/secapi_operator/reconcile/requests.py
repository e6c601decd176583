"""From an object in memory to what the ledger is given, and from a rejection to the sentence a person reads."""

from uuid import UUID

import orjson
from pydantic import ValidationError

from secapi_core.crds.scanrequest import Gate, ScanRequestSpec
from secapi_core.errors import Rejected
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.types import NewScan
from secapi_core.pointers import json_pointer
from secapi_operator.objects import StoredScan


def read_spec(scan: StoredScan) -> ScanRequestSpec:
    """The request as a typed value. What passed an older or newer schema may fail here, with ``Rejected``."""
    try:
        return ScanRequestSpec.model_validate_json(scan.spec or "{}")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise Rejected(FailureReason.INVALID_SPEC, json_pointer(problem["loc"]), problem["msg"]) from error


def new_scan(scan: StoredScan, spec: ScanRequestSpec | None = None) -> NewScan:
    """The ledger's row for a request, read anew without ``spec``; an unreadable one has no targets and scanners."""
    if spec is None:
        try:
            spec = read_spec(scan)
        except Rejected:
            spec = ScanRequestSpec.model_construct(targets=[], scanners=[])
    return NewScan(UUID(scan.uid), scan.namespace, scan.name, spec, scan.submitted_by)


def read_gate(scan: StoredScan) -> Gate | None:
    """The request's gate, if it has one."""
    gate = orjson.loads(scan.spec or "{}").get("gate")
    return Gate.model_validate(gate) if gate else None


def explain(rejection: Rejected) -> Failure:
    """The rejection with its field in the sentence."""
    return Failure(rejection.failure.reason, f"{field_path(rejection.pointer)}: {rejection.failure.message}")


def field_path(pointer: str) -> str:
    """A JSON pointer below ``/spec`` as Kubernetes spells fields: ``spec.scanners[0].name``."""
    path = "spec"
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        path += f"[{token}]" if token.isdigit() else f".{token}"
    return path
