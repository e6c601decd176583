"""Putting the application together: resources, routes, layers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from secapi_api import documents, problems
from secapi_api.api_keys.routes import router as api_keys
from secapi_api.artifacts.routes import router as artifacts
from secapi_api.audit.routes import router as audit
from secapi_api.dead_letters.routes import router as dead_letters
from secapi_api.documentation import routes as documentation
from secapi_api.health.routes import router as health
from secapi_api.memberships.routes import router as memberships
from secapi_api.middleware.context import RequestContext
from secapi_api.middleware.failsafe import Failsafe
from secapi_api.middleware.limits import Bounds, RequestLimits
from secapi_api.middleware.observation import UNREMARKABLE, Observation
from secapi_api.operations import operation_id
from secapi_api.policies.routes import router as policies
from secapi_api.resources import opened
from secapi_api.scan_events.routes import router as scan_events
from secapi_api.scanners.routes import router as scanners
from secapi_api.scans.hot_path import HotPath
from secapi_api.scans.routes import router as scans
from secapi_api.schedules.routes import router as schedules
from secapi_api.sessions.routes import router as sessions
from secapi_api.settings import ApiSettings, Tuning
from secapi_api.stats.routes import router as stats
from secapi_api.users.routes import router as users
from secapi_api.webhooks.delivery_routes import router as webhook_deliveries
from secapi_api.webhooks.routes import router as webhooks

ROUTERS = (
    scans,
    scan_events,
    dead_letters,
    artifacts,
    schedules,
    policies,
    scanners,
    stats,
    sessions,
    users,
    memberships,
    api_keys,
    audit,
    webhooks,
    webhook_deliveries,
    health,
)

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": [
        "Authorization",
        "Content-Digest",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "Last-Event-ID",
    ],
    "expose_headers": ["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"],
    # A page elsewhere needs a credential of its own.
    "allow_credentials": False,
    "max_age": 600,
}
"""What pages of other origins may send and see, where any may do anything at all."""


def create_app(settings: ApiSettings) -> FastAPI:
    """The application; what it needs is opened when the server starts it and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings) as resources:
            app.state.resources = resources
            yield

    app = FastAPI(
        title="SecAPI",
        version=version("secapi"),
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        # FastAPI's own pages load scripts from a CDN, which neither our headers nor an offline cluster allow.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # A span for each request once core's tracing has made a provider; nothing that FastAPI would set up by itself.
        telemetry={
            "auto_configure": False,
            "exclude": lambda scope: scope["path"] in UNREMARKABLE,
            "logs": False,
            "metrics": False,
            "operation_spans": False,
        },
    )
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    documents.install(app)
    documentation.install(app)
    _add_layers(app, settings.tuning)
    return app


def _add_layers(app: FastAPI, tuning: Tuning) -> None:
    """The last one added is the outermost."""
    default = Bounds(tuning.body_limit, tuning.request_timeout)
    upload = Bounds(tuning.artifact_limit, tuning.upload_timeout)
    app.add_middleware(HotPath)
    app.add_middleware(RequestLimits, default=default, special={("POST", "/v1/artifacts"): upload})
    app.add_middleware(Failsafe)
    if tuning.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=tuning.cors_origins, **CORS)
    app.add_middleware(Observation)
    app.add_middleware(RequestContext)
