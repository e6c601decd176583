"""The one tree of errors that SecAPI raises on purpose.

Whoever catches decides what to show: the API maps the tree to problem+json, the operator to conditions, a worker
to the attempt's outcome. Anything outside the tree is a defect and is reported as ``InternalError``.
"""

import traceback

from secapi_core.failures import Failure, FailureReason


class SecapiError(Exception):
    """Base of every error that carries a typed reason."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        """Keep the reason and a sentence for the person who reads it."""
        self.failure = Failure(reason, message)
        super().__init__(f"{reason}: {self.failure.message}")


class Rejected(SecapiError):
    """A request that cannot be planned; ``pointer`` is the JSON pointer of the field at fault, below ``/spec``."""

    def __init__(self, reason: FailureReason, pointer: str, message: str) -> None:
        """Name the field as well as the reason."""
        self.pointer = pointer
        super().__init__(reason, message)


class JobFailed(SecapiError):
    """One attempt of a job failed for a typed reason; ``FailureReason.retryable`` says whether another may help."""


class Superseded(Exception):
    """This attempt no longer owns its job (another worker has it, or it ended): drop everything and forget."""


class CancelRequested(Superseded):
    """A cancellation was committed before this attempt's results: the cancellation wins."""


def describe(error: BaseException) -> str:
    """Type and first line of an error, bounded: database drivers append the statement and its parameters."""
    first_line = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first_line[:300]}"


def frames(error: BaseException) -> str:
    """Where an error came from, without what any of the errors on the way says."""
    return "".join(traceback.format_tb(error.__traceback__))
