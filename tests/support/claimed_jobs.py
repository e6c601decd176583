"""Claimed jobs as the ledger hands them to a worker, for tests that need no ledger."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanrequest import Target
from secapi_core.ledger.types import ClaimedJob
from secapi_core.messages import Priority
from secapi_core.targets import Scope
from secapi_workers.catalogue import built_in

LOOPBACK = Scope.model_validate({"allowedCidrs": ["127.0.0.0/8"]})


def make_job(target: dict[str, Any], *, spec: ScannerSpec | None = None, **fields: Any) -> ClaimedJob:
    """The first attempt of a job of the no-op scanner, or of ``spec``, on ``target``; the rest by keyword."""
    now = datetime.now(UTC)
    defaults: dict[str, Any] = {
        "id": uuid4(),
        "scan_id": uuid4(),
        "namespace": "team-a",
        "scanner": "noop",
        "family": "noop",
        "spec": spec or built_in(testing=True)["noop"].spec,
        "scope": LOOPBACK,
        "target": Target.model_validate(target),
        "target_key": "any",
        "parameters": {},
        "timeout_seconds": 60,
        "attempt": 1,
        "max_attempts": 3,
        "priority": Priority.NORMAL,
        "pool": "code",
        "created_at": now,
        "claimed_at": now,
        "traceparent": None,
    }
    return ClaimedJob(**defaults | fields)
