"""What the API counts. Labels come from small closed sets: route templates, methods, statuses; never ids or targets."""

from http import HTTPMethod

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import Scope

UNMATCHED = "unmatched"

REQUEST_DURATION = Histogram(
    "secapi_api_request_duration_seconds",
    "From the request's headers to the end of its response",
    ["route", "method", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
REQUESTS_IN_FLIGHT = Gauge("secapi_api_requests_in_flight", "Requests being answered now")
CACHE_READS = Counter("secapi_api_cache_reads_total", "Answers that may be some seconds old", ["cache", "outcome"])
RATE_LIMITED = Counter("secapi_api_rate_limited_total", "Requests that were too many", ["kind"])
EVENT_STREAMS = Gauge("secapi_api_event_streams", "Streams of events that are open")
EVENT_STREAMS_ENDED = Counter("secapi_api_event_streams_ended_total", "Streams of events that ended", ["why"])
EVENTS_SENT = Counter("secapi_api_events_sent_total", "Events sent to those who follow scans", ["event"])
EVENT_LOOKS = Counter(
    "secapi_api_event_looks_total", "Times that the ledger was asked about scans that are followed", ["trigger"]
)

_METHODS = frozenset(HTTPMethod)


def route_label(scope: Scope) -> str:
    """The matched route's template, so that a path nobody serves cannot make a new time series."""
    return getattr(scope.get("route"), "path", UNMATCHED)


def method_label(scope: Scope) -> str:
    """The request's method if it is one of HTTP's own."""
    return scope["method"] if scope["method"] in _METHODS else "other"
