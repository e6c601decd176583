"""What the operator counts. Labels come from small closed sets: kinds, pools, reasons, severities; never targets."""

from prometheus_client import Counter, Gauge, Histogram

from secapi_core.ledger.states import JobState

LEADER = Gauge("secapi_operator_leader", "1 in the process that holds the Lease")

RECONCILE_DURATION = Histogram(
    "secapi_reconcile_duration_seconds",
    "Time to bring one scan a step further",
    ["step"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
RECONCILE_ERRORS = Counter("secapi_reconcile_errors_total", "Reconciles that failed and will be tried again", ["error"])
RECONCILE_RETRIES = Counter("secapi_reconcile_retries_total", "Tries that followed a failed one")
RECONCILE_QUEUE = Gauge("secapi_reconcile_queue_depth", "Scans that wait to be looked at")
RECONCILE_DELAYED = Gauge("secapi_reconcile_queue_delayed", "Scans that wait for a timer or a backoff")

WATCH_RESTARTS = Counter("secapi_watch_restarts_total", "Watches that ended and were started anew")
OBJECTS = Gauge("secapi_objects", "Objects in memory", ["kind"])

SCANS = Counter(
    "secapi_scans_total", "Finished scans whose outcome is in their status", ["namespace", "outcome", "reason"]
)
JOBS = Counter("secapi_jobs_total", "Jobs of finished scans; dead ones count as failed", ["namespace", "outcome"])
SCAN_DURATION = Histogram(
    "secapi_scan_duration_seconds",
    "From submission to the last result",
    ["outcome"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1_800, 3_600, 14_400),
)
ATTEMPTS_LOST = Counter(
    "secapi_attempts_lost_total",
    "Attempts whose worker fell silent, by what became of the job",
    ["pool", "scanner", "state"],
)
JOBS_REDISPATCHED = Counter(
    "secapi_jobs_redispatched_total", "Messages sent again for queued jobs and due deliveries", ["queue", "cause"]
)
SCANS_ORPHANED = Counter("secapi_scans_orphaned_total", "Open scans cancelled because their ScanRequest is gone")

MESSAGES_PUBLISHED = Counter("secapi_messages_published_total", "Messages given to the broker", ["queue"])
PUBLISH_ERRORS = Counter("secapi_publish_errors_total", "Batches of messages the broker did not take", ["error"])
OUTBOX_MESSAGES = Gauge("secapi_outbox_messages", "Messages that are due and not yet sent")
OUTBOX_AGE = Gauge("secapi_outbox_oldest_seconds", "How long the oldest due message has waited")

DELIVERY_AGE = Gauge("secapi_webhook_oldest_seconds", "How long the oldest event that is due to a webhook has waited")

QUEUE_JOBS = Gauge("secapi_queue_jobs", "Jobs in the ledger", ["pool", "priority", "state"])
QUEUE_AGE = Gauge("secapi_queue_oldest_seconds", "How long the oldest due job has waited", ["pool", "priority"])
DEAD_LETTERS = Gauge(
    "secapi_dead_letters", "Jobs out of attempts that nobody has replayed or purged", ["namespace", "scanner"]
)
API_KEYS_EXPIRING = Gauge("secapi_api_keys_expiring", "API keys that were used within 30 days and expire within 7")
FINDINGS = Gauge("secapi_findings", "Findings in the ledger", ["namespace", "severity", "state"])

LOOP_ERRORS = Counter("secapi_loop_errors_total", "Rounds of a background duty that failed", ["loop"])
LOOP_INTERVAL = Gauge(
    "secapi_loop_interval_seconds", "Pause between two rounds of a background duty that this process has", ["loop"]
)
LAST_SUCCESS = Gauge(
    "secapi_loop_last_success_timestamp_seconds",
    "When a background duty that this process has last went well; its start counts as a success",
    ["loop"],
)


def expect_lost_attempts(pool: str, scanner: str) -> None:
    """Begin to count at zero: Prometheus takes the first value it sees of a counter for where it always was.

    Attempts are lost many at once, when a node goes, and would otherwise not show as an increase.
    """
    for state in (JobState.QUEUED, JobState.DEAD, JobState.CANCELLED):
        ATTEMPTS_LOST.labels(pool, scanner, state.value)
