"""SecAPI's REST API from Python: ``Client``, what it answers (``secapi_client.models``) and what it raises.

The command line ``secapi`` is made of it, in ``secapi_client.command_line``.
"""

from secapi_client.client import Client
from secapi_client.errors import (
    Conflict,
    Forbidden,
    NotFound,
    ProblemError,
    Refused,
    SecapiError,
    ServerFailed,
    Unauthenticated,
    UnexpectedAnswer,
    Unreachable,
)
from secapi_client.retries import Retries

__all__ = [
    "Client",
    "Conflict",
    "Forbidden",
    "NotFound",
    "ProblemError",
    "Refused",
    "Retries",
    "SecapiError",
    "ServerFailed",
    "Unauthenticated",
    "UnexpectedAnswer",
    "Unreachable",
]
