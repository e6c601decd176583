"""What a POST asks Kubernetes for, named so that asking twice is asking once. Pure but for random names."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

import orjson

from secapi_api.auth.callers import Caller
from secapi_api.errors import ApiError, Conflict, FieldError, IdempotencyKeyReused
from secapi_api.kube.scan_requests import StoredRequest
from secapi_api.scans.schemas import CreateScan
from secapi_core.crds.scanrequest import ScanRequestSpec


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission and every repetition of it.

    ``key`` identifies caller and ``Idempotency-Key``, or a dead letter (None without either); ``mark`` also the body.
    The mark is kept on the ScanRequest: whoever finds it there knows that the object is the outcome of this very
    submission.
    """

    namespace: str
    name: str
    spec: ScanRequestSpec
    submitted_by: str
    key: str | None
    mark: str

    @classmethod
    def of(
        cls, body: CreateScan, caller: Caller, idempotency_key: str | None, *, rerun_of: UUID | None = None
    ) -> "Submission":
        """With the body's name, else one derived from the key, else a random one.

        All three are fixed before Kubernetes is first asked, so a lost answer can be asked for again. Who asked to run
        a scan again sent no body but that scan's id.
        """
        if idempotency_key is None:
            name = body.name or f"scan-{_text(secrets.token_bytes(10))}"
            return cls(body.namespace, name, body.spec, caller.id, None, secrets.token_hex(16))
        digest = _digest([caller.id, body.namespace, idempotency_key])
        key = _text(digest)[:26]
        asked = body.to_wire() if rerun_of is None else {"rerunOf": str(rerun_of)}
        mark = f"{key}.{_digest([asked]).hex()}"
        return cls(body.namespace, body.name or f"idem-{key}", body.spec, caller.id, key, mark)

    @classmethod
    def replay(cls, letter_id: UUID, namespace: str, spec: ScanRequestSpec, caller: Caller) -> "Submission":
        """Named after the dead letter: one submission, whoever replays it and however often."""
        key = _text(letter_id.bytes)
        return cls(namespace, f"replay-{key}", spec, caller.id, key, key)

    def refusal(self, existing: StoredRequest) -> ApiError:
        """Why the object that has this submission's name is not its outcome."""
        before = (existing.submission or "").partition(".")[0]
        if self.key is not None and self.key == before:
            return IdempotencyKeyReused("this Idempotency-Key came with another body before; use a new key")
        taken = FieldError("/name", "a scan of this name exists; choose another or leave the name out")
        return Conflict(f"namespace {self.namespace!r} has a scan named {self.name!r}", errors=[taken])


def _digest(value: object) -> bytes:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()


def _text(value: bytes) -> str:
    """Lower-case base32, which Kubernetes names allow."""
    return base64.b32encode(value).decode().rstrip("=").lower()
