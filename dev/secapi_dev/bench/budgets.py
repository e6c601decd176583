"""What the figures should be: the limits that SecAPI sets itself, by part and name of figure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit: at most, or at least, so much."""

    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether ``value`` keeps to it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        """As the table shows it."""
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


BUDGETS = {
    ("memory", "worker_pss_mb"): Budget(120),
    ("overhead", "overhead_p95_ms"): Budget(100),
    ("throughput", "scans_per_second"): Budget(60, at_least=True),
    ("throughput", "writes_per_scan_max"): Budget(4),
    ("api", "get_to_plain"): Budget(0.65, at_least=True),
    ("api", "get_without_redis_to_plain"): Budget(0.65, at_least=True),
    ("ingest", "100k_new_to_raw_copy"): Budget(0.75, at_least=True),
    ("ingest", "100k_known_to_raw_copy"): Budget(1.0, at_least=True),
    ("reads", "scan_findings_database_p95_ms"): Budget(5),
    ("reads", "findings_page_database_p95_ms"): Budget(5),
    ("reads", "scans_page_database_p95_ms"): Budget(5),
    ("reads", "findings_first_page_database_p95_ms"): Budget(5),
    ("reads", "findings_last_page_database_p95_ms"): Budget(5),
    ("reads", "scans_first_page_database_p95_ms"): Budget(5),
    ("reads", "scans_last_page_database_p95_ms"): Budget(5),
    ("stampede", "queries"): Budget(1),
    ("mixed", "status_5xx"): Budget(0),
    ("endurance", "growth_mb"): Budget(10),
    ("operator", "rss_mb"): Budget(180),
    ("operator", "steady_seconds"): Budget(15),
}
