"""Headers of requests and answers that FastAPI cannot know, for the OpenAPI document."""

from typing import Any

_TEXTS = {
    "Location": "Path of what was made.",
    "ETag": "Version of what is answered: a change of it names this in `If-Match`.",
    "Retry-After": "Seconds to wait before the next try.",
    "WWW-Authenticate": "What kind of credential is asked for.",
}
_SCHEMAS: dict[str, dict[str, Any]] = {"Retry-After": {"type": "integer", "minimum": 1}}
_OF_STATUS = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}
_MAKING = ("create", "rotate", "rerun", "replay", "upload")
_NOTHING_MADE = ("createSession", "rotateWebhookSecret")
_VERSIONED = ("Membership", "Policy", "Scanner", "Schedule", "User", "Webhook", "WebhookSecret")


def document_headers(document: dict[str, Any]) -> None:
    """Add to every answer the headers that it always has, and say that what is versioned needs ``If-Match``."""
    document["components"]["headers"] = {
        name: {"description": text, "required": True, "schema": _SCHEMAS.get(name, {"type": "string"})}
        for name, text in _TEXTS.items()
    }
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for parameter in operation.get("parameters", ()):
            # Left out it is answered with 428, which says more than that a header is missing.
            if parameter["name"] == "If-Match":
                parameter["required"] = True
        for status, response in operation["responses"].items():
            if names := _always(operation["operationId"], status):
                response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _always(operation_id: str, status: str) -> list[str]:
    """Headers of one answer of one operation."""
    if not status.startswith("2"):
        return [_OF_STATUS[status]] if status in _OF_STATUS else []
    made = operation_id.startswith(_MAKING) and operation_id not in _NOTHING_MADE
    versioned = operation_id.endswith(_VERSIONED) and status not in ("202", "204")
    return ["Location"] * made + ["ETag"] * versioned
