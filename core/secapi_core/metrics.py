"""Metrics that more than one component exports under the same name; the scrape's job label tells them apart.

All of them have labels: a worker decides where values are kept only after this module may have been imported, and a
metric without labels makes its value at once.
"""

from importlib.metadata import version

from prometheus_client import Counter, Gauge

BUILD_INFO = Gauge(
    "secapi_build_info", "1 in every process that can be scraped", ["component", "version"], multiprocess_mode="max"
)

DATABASE_CONNECTIONS = Gauge(
    "secapi_database_pool_connections",
    "Places for connections in the process's pool: in use, idle, or not opened (the three add up to the pool's size)",
    ["state"],
    multiprocess_mode="sum",
)

KUBERNETES_WRITES = Counter(
    "secapi_kubernetes_writes_total", "Writes sent to the apiserver, by its answer", ["verb", "kind", "code"]
)
KUBERNETES_REQUEST_RETRIES = Counter(
    "secapi_kubernetes_request_retries_total", "Requests sent again, by why", ["reason"]
)

REDIS_FAILURES = Counter(
    "secapi_redis_failures_total",
    "Times that Redis, for what can be done without, was given up for a moment",
    ["error"],
)
SUMMARY_WRITES = Counter(
    "secapi_scan_summary_writes_total", "Summaries of scans on their way to Redis, by what became of them", ["result"]
)


def announce(component: str) -> None:
    """Say which component this process is (``api``, ``operator``, ``worker``), so that its absence can be noticed."""
    BUILD_INFO.labels(component, version("secapi")).set(1)
