"""What the API counts. Labels come from small closed sets: route templates, methods, statuses; never ids or targets."""

from http import HTTPMethod

from prometheus_client import Gauge, Histogram
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Scope

UNMATCHED = "unmatched"

REQUEST_DURATION = Histogram(
    "secapi_api_request_duration_seconds",
    "From the request's headers to the end of its response",
    ["route", "method", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
REQUESTS_IN_FLIGHT = Gauge("secapi_api_requests_in_flight", "Requests being answered now")
DATABASE_CONNECTIONS = Gauge("secapi_database_pool_connections", "Connections of this process's pool", ["state"])

_METHODS = frozenset(HTTPMethod)


def route_label(scope: Scope) -> str:
    """The matched route's template, so that a path nobody serves cannot make a new time series."""
    return getattr(scope.get("route"), "path", UNMATCHED)


def method_label(scope: Scope) -> str:
    """The request's method if it is one of HTTP's own."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def watch_pool(engine: AsyncEngine) -> None:
    """Have the pool's gauges read from ``engine`` whenever metrics are scraped."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)  # noqa: S101 -- narrows the type; create_async_engine makes this kind
    DATABASE_CONNECTIONS.labels("in_use").set_function(pool.checkedout)
    DATABASE_CONNECTIONS.labels("idle").set_function(pool.checkedin)
