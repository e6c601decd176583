"""Events of ``/v1/scans/{scanId}/events``, and how the OpenAPI document describes them."""

from typing import Any
from uuid import UUID

from secapi_api.middleware.observation import EVENT_STREAM
from secapi_api.schemas import Schema
from secapi_core.crds.scanrequest import Phase


class ScanEnd(Schema):
    """The last event: the scan has ended, and everything about it has been sent."""

    id: UUID
    phase: Phase


def documented_events(**data: str) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that answers a stream; ``data`` names the schema of each event's data.

    OpenAPI 3.1 has no word for the events of a stream, so they are described in that of 3.2 (``itemSchema``).
    """
    events = [_event(name, schema) for name, schema in data.items()]
    content = {"schema": {"type": "string"}, "x-itemSchema": {"oneOf": events}}
    return {200: {"description": "Events until the scan has ended", "content": {EVENT_STREAM: content}}}


def _event(name: str, schema: str) -> dict[str, Any]:
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{schema}"},
    }
    return {
        "type": "object",
        "properties": {"event": {"const": name}, "data": data, "id": {"type": "string"}},
        "required": ["event", "data", "id"],
    }
