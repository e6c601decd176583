"""Metrics that more than one component exports under the same name; the scrape's job label tells them apart."""

from prometheus_client import Counter

KUBERNETES_WRITES = Counter(
    "secapi_kubernetes_writes_total", "Writes sent to the apiserver, by its answer", ["verb", "kind", "code"]
)
KUBERNETES_REQUEST_RETRIES = Counter(
    "secapi_kubernetes_request_retries_total", "Requests sent again, by why", ["reason"]
)
