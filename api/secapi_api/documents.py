"""``/openapi.json``."""

from functools import cache
from typing import Any

import orjson
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from secapi_api.bodies import documented_models
from secapi_api.headers import document_headers
from secapi_api.links import document_links
from secapi_api.problems import Problem, documented
from secapi_api.scan_events.schemas import ScanEnd

DESCRIPTION = """\
Submit security scans, follow them, read their findings. Every error is `application/problem+json` (RFC 9457).
Lists come in pages: give `nextCursor` of one page as `cursor` to get the next.
"""
TAGS = [
    {"name": "scans", "description": "Runs of scanners over targets."},
    {"name": "dead-letters", "description": "Jobs that used up their attempts."},
    {"name": "artifacts", "description": "Source archives to scan, uploaded once and named by their digest."},
    {"name": "schedules", "description": "Scans at fixed times."},
    {"name": "policies", "description": "What a namespace may scan, and how much."},
    {"name": "scanners", "description": "What can be run."},
    {"name": "stats", "description": "Trends, and how things stand."},
    {"name": "sessions", "description": "Logging in, and who is logged in."},
    {"name": "users", "description": "People who may log in."},
    {"name": "memberships", "description": "Their roles in namespaces."},
    {"name": "api-keys", "description": "Credentials of programs."},
    {"name": "audit", "description": "Who did what."},
    {"name": "webhooks", "description": "Who is told of what happens, and what they were told."},
    {"name": "health", "description": "Probes."},
]


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of ``app``."""
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        summary="Security scans on Kubernetes",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        tags=TAGS,
        routes=app.routes,
    )
    # Bodies are read by a dependency, problems are made by a handler, events by a stream: FastAPI knows none of them.
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization"), (ScanEnd, "serialization")]
    models += [(model, "validation") for model in documented_models]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= definitions["$defs"]
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        # Whoever is known is counted, whatever they ask for, and so is what proves nobody.
        if "security" in operation:
            operation["responses"].setdefault("429", documented(429)[429])
    document_headers(document)
    document_links(document)
    return document


def install(app: FastAPI) -> None:
    """Serve it; it needs no key."""

    @cache
    def content() -> bytes:
        return orjson.dumps(openapi_document(app))

    @app.get("/openapi.json", include_in_schema=False)
    async def get_openapi_document() -> Response:
        return Response(content(), media_type="application/json")
