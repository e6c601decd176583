"""What an OpenAPI document has no words for, so that Schemathesis cannot know it: each with the reason.

No check is off. A refusal that is not listed here is a failure, and so is one that a schema could have said.
"""

from typing import Any

from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.openapi.checks import RejectedPositiveData

_REFUSED = ["401", "403", "404", "405", "409", "413", "415", "422", "428", "429"]

NARROWED: dict[str, Any] = {
    # A version that nobody has is refused with 412 before anything else is looked at, and nothing is changed.
    "negative_data_rejection": {"expected-statuses": [*_REFUSED, "412"]},
    # Whether a version is the current one is no matter of a schema, no more than whether a thing exists (404).
    "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "412", "429"]},
    # RFC 6585: 428 is how a server asks for If-Match.
    "missing_required_header": {"expected-statuses": ["401", "403", "415", "422", "428"]},
}
"""Statuses with which checks are content, where they differ from Schemathesis' own."""

PLACES = {
    "": "an archive is not empty",
    "/query/cursor": "a cursor is opaque: only what a list has given is one",
    "/query/namespace": "who has roles in several namespaces must name one",
    "/namespace": "whether there is such a namespace is for Kubernetes to say",
    "/userId": "whether there is such a user is in the ledger",
    "/expiresAt": "a key ends in the future",
    "/name": "the name of a schedule begins the names of its scans",
    "/spec": "rules over several fields and plans are sentences: docs/reference and kubectl explain have them",
}
"""Where a request that is as documented may still be refused with 422, and why."""

INTEGRAL = "Input should be a valid integer"
"""Also said of 60.0, which is an integer to JSON Schema and to few programs: types of bodies are strict."""

SCHEMA_SAYS = ("Input should", "String should", "List should", "Field required", "Extra inputs", "Dictionary should")
"""How Pydantic begins to say what a schema says too."""


def beyond_schema(failure: Failure, response: Response) -> bool:
    """Whether a refusal of what is as documented is for reasons that the document cannot hold, at known places."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 422:
        return False
    errors = response.json()["errors"]
    return all(
        error["detail"] == INTEGRAL or (_known(error["pointer"]) and not error["detail"].startswith(SCHEMA_SAYS))
        for error in errors
    )


def _known(pointer: str) -> bool:
    return any(pointer == place or (place and pointer.startswith(f"{place}/")) for place in PLACES)
