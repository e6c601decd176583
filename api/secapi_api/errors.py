"""The API's branch of the error tree: what a caller is told, as HTTP status, stable type and a sentence.

Core's errors (``secapi_core.errors``) and the framework's own join it in ``problems``, where all become
``application/problem+json``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException

from secapi_core.errors import Rejected

RETRY_AFTER_SECONDS = 5

CHALLENGE = 'Bearer realm="secapi"'
"""What kind of credential is asked for. A scheme for passwords would make browsers ask for one by themselves."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request; ``pointer`` as in :class:`secapi_api.problems.FieldProblem`."""

    pointer: str
    detail: str


class ApiError(Exception):
    """Base: ``slug`` becomes the problem's type and never changes its meaning once released."""

    status: int = 500
    slug: str = "internal-error"
    title: str = "Internal error"

    def __init__(
        self, detail: str, *, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        """``detail`` says what happened to this request and what to do about it."""
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(detail)


class Unauthenticated(ApiError):
    """Nobody, or somebody whose key is not valid (any more)."""

    status, slug, title = 401, "unauthenticated", "Authentication required"

    def __init__(self, detail: str, *, challenge: str = CHALLENGE) -> None:
        """``challenge`` is the ``WWW-Authenticate`` that no such answer may lack (RFC 9110)."""
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(ApiError):
    """A known caller who may not do this here."""

    status, slug, title = 403, "forbidden", "Not allowed"


class NotFound(ApiError):
    """There is no such thing, or the caller may not know that there is: both look the same."""

    status, slug, title = 404, "not-found", "Not found"


class Conflict(ApiError):
    """What is there now contradicts the request."""

    status, slug, title = 409, "conflict", "Conflict"


class PreconditionFailed(ApiError):
    """The thing has changed since the caller read it."""

    status, slug, title = 412, "precondition-failed", "Changed meanwhile"


class PreconditionRequired(ApiError):
    """A change that must say which version it is based on."""

    status, slug, title = 428, "precondition-required", "Version required"


class ContentTooLarge(ApiError):
    """The body is larger than this route takes."""

    status, slug, title = 413, "content-too-large", "Body too large"

    @classmethod
    def than(cls, limit: int) -> "ContentTooLarge":
        """With the limit in bytes. What the caller still sends is not read, so the connection ends with the answer."""
        return cls(f"the body is larger than {limit} bytes, the most this path takes", headers={"Connection": "close"})


class UnsupportedMediaType(ApiError):
    """The body is of a kind this route does not read."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class InvalidRequest(ApiError):
    """The request as written can never succeed; ``errors`` name the fields."""

    status, slug, title = 422, "invalid-request", "Invalid request"


class ScanRefused(ApiError):
    """Planning refused the scan: unknown scanner, forbidden target, wrong parameter …; the reason is the slug."""

    status = 422

    def __init__(self, rejected: Rejected) -> None:
        """Point at the field in the request's body."""
        failure = rejected.failure
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", failure.reason)
        self.slug, self.title = words.lower().replace(" ", "-"), words.capitalize()
        super().__init__(failure.message, errors=[FieldError(f"/spec{rejected.pointer}", failure.message)])


class IdempotencyKeyReused(ApiError):
    """The key came with another body before."""

    status, slug, title = 422, "idempotency-key-reused", "Idempotency key used for another request"


class QuotaExceeded(ApiError):
    """The namespace has as much under way as it may; later it may have less."""

    status, slug, title = 429, "quota-exceeded", "Quota exceeded"


class RateLimited(ApiError):
    """This caller asks for too much at the moment, or too many credentials from there proved nobody."""

    status, slug, title = 429, "rate-limited", "Too many requests"


class TooManyStreams(ApiError):
    """This caller follows as much as one caller may."""

    status, slug, title = 429, "too-many-streams", "Too many streams"


class Unavailable(ApiError):
    """Something SecAPI depends on is down or too slow; the same request may succeed later."""

    status, slug, title = 503, "unavailable", "Temporarily unavailable"

    def __init__(self, detail: str, *, retry_after: float = RETRY_AFTER_SECONDS) -> None:
        """``retry_after`` seconds are suggested to the caller."""
        super().__init__(detail, headers={"Retry-After": str(max(1, round(retry_after)))})


class LedgerUnavailable(Unavailable):
    """Postgres cannot be reached, has no free connection, or ended the statement."""

    slug = "ledger-unavailable"


class KubernetesUnavailable(Unavailable):
    """The apiserver cannot be reached or keeps refusing for now."""

    slug = "kubernetes-unavailable"


class RequestTimeout(Unavailable):
    """The request was given up."""

    slug, title = "request-timeout", "The request took too long"


class FrameworkRefusal(ApiError):
    """What Starlette refuses by itself: no such path, wrong method."""

    def __init__(self, error: HTTPException) -> None:
        """Name it after its status; keep headers such as ``Allow``."""
        status = HTTPStatus(error.status_code)
        self.status, self.title = status.value, status.phrase
        self.slug = status.phrase.lower().replace(" ", "-")
        allowed = (error.headers or {}).get("Allow")
        advice = {404: "there is nothing at this path; /openapi.json lists what there is", 405: f"use {allowed}"}
        super().__init__(advice.get(status, error.detail), headers=error.headers)
