"""A ledger with the history of a year, made by the server.

It has a hundred thousand scans, jobs, attempts, findings and sightings, and a tenth as many dead letters, users and
artifacts.
"""

from uuid import UUID

import asyncpg

from ledger_factories import SCANNER
from secapi_core.bounded_json import storable_json

ROWS = 100_000
OPEN = 500
"""Jobs that wait, jobs that run, and messages: few beside the history, as in life."""

SCAN = UUID("00000000-0000-0000-0001-000000000000")
"""The scan that saw a quarter of all findings, others saw fifty each; its only job waits."""

_ID = "lpad(to_hex(n), 12, '0')::text"
_STEP = "interval '5 minutes'"
_STATEMENTS = f"""
    INSERT INTO scans (id, namespace, name, spec, scope, priority, state, jobs_total, jobs_open, jobs_succeeded,
                       completed_at, created_at)
    SELECT ('00000000-0000-0000-0001-' || {_ID})::uuid, 'team-' || n % 20, 'scan-' || n,
           '{{"gate": {{"failOn": "high"}}}}', '{{}}', 'normal',
           CASE WHEN n < {3 * OPEN} THEN 'running' ELSE 'succeeded' END, 1, (n < {3 * OPEN})::integer,
           (n >= {3 * OPEN})::integer, CASE WHEN n >= {3 * OPEN} THEN now() END, now() - n * {_STEP}
    FROM generate_series(0, {ROWS - 1}) AS n;

    INSERT INTO scan_jobs (id, scan_id, namespace, ordinal, scanner, family, scanner_digest, pool, priority, target,
                           target_key, parameters, timeout_seconds, max_attempts, state, attempt, lease_until,
                           not_before, dispatched_at, finished_at, cancel_requested)
    SELECT ('00000000-0000-0000-0002-' || {_ID})::uuid, ('00000000-0000-0000-0001-' || {_ID})::uuid, 'team-' || n % 20,
           0, 'bandit', 'bandit', 'sha256:x', 'pool-' || n % 4, 'normal', '{{"url": "https://shop.example/"}}',
           'target-' || n, '{{}}', 60, 3,
           CASE WHEN n < {OPEN} THEN 'queued' WHEN n < {3 * OPEN} THEN 'running' ELSE 'succeeded' END,
           (n >= {OPEN})::integer,
           CASE WHEN n >= {OPEN} AND n < {3 * OPEN} THEN now() + (n - {2 * OPEN}) * interval '1 minute' END,
           now() - interval '1 hour', now() - interval '30 minutes', CASE WHEN n >= {3 * OPEN} THEN now() END, false
    FROM generate_series(0, {ROWS - 1}) AS n;

    INSERT INTO attempts (job_id, attempt, worker, state)
    SELECT id, 1, 'worker-1', CASE state WHEN 'running' THEN 'running' ELSE 'succeeded' END
    FROM scan_jobs WHERE attempt = 1;

    INSERT INTO outbox (job_id, queue, not_before)
    SELECT id, 'scan.' || pool || '.normal', now() - interval '1 minute' FROM scan_jobs
    WHERE state = 'queued' AND right(id::text, 1) IN ('1', '2', '3');

    INSERT INTO dead_letters (id, job_id, scan_id, namespace, scanner, attempts, reason, message, replayed_at)
    SELECT ('00000000-0000-0000-0004-' || {_ID})::uuid, ('00000000-0000-0000-0002-' || {_ID})::uuid,
           ('00000000-0000-0000-0001-' || {_ID})::uuid, 'team-' || n / 10 % 20, 'bandit', 3, 'ScannerCrashed', '',
           CASE WHEN n >= 4 * {OPEN} THEN now() END
    FROM generate_series({3 * OPEN}, {ROWS - 1}, 10) AS n;

    INSERT INTO users (id, email, name, issuer, subject)
    SELECT ('00000000-0000-0000-0005-' || {_ID})::uuid, n || '@example.com', 'Somebody', 'https://id.example',
           'subject-' || n
    FROM generate_series(0, {ROWS - 1}, 10) AS n;

    INSERT INTO artifacts (namespace, digest, size, media_type, object_key, uploaded_by, created_at)
    SELECT 'team-' || n % 20, 'sha256:' || lpad(to_hex(n), 64, '0'), 1, 'application/zip', 'key', 'key:1',
           now() - n * {_STEP}
    FROM generate_series(0, {ROWS // 10}) AS n;

    INSERT INTO webhooks (id, namespace, url, events, description, created_by)
    SELECT ('00000000-0000-0000-0006-' || {_ID})::uuid, 'team-' || n, 'https://hooks.example/', '{{scan.failed}}', '',
           ''
    FROM generate_series(0, 19) AS n;

    INSERT INTO deliveries (id, webhook_id, namespace, event_type, event_id, payload, state, finished_at, not_before)
    SELECT ('00000000-0000-0000-0007-' || {_ID})::uuid,
           ('00000000-0000-0000-0006-' || lpad(to_hex(n % 20), 12, '0'))::uuid, 'team-' || n % 20, 'scan.failed',
           ('00000000-0000-0000-0008-' || {_ID})::uuid, '{{}}',
           CASE WHEN n < {OPEN} THEN 'pending' ELSE 'delivered' END,
           CASE WHEN n >= {OPEN} THEN now() END, now() - interval '1 minute'
    FROM generate_series(0, {ROWS - 1}) AS n;

    INSERT INTO findings (id, namespace, fingerprint, scanner, rule, target_key, severity, title, description,
                          remediation, location, cwes, vulnerability_ids, cvss_vector, links, details, content_digest,
                          first_scan_id, first_seen_at)
    SELECT ('00000000-0000-0000-0003-' || {_ID})::uuid, 'team-' || n % 20, sha256(n::text::bytea), 'bandit', 'B001',
           'target-0', (ARRAY['critical', 'high', 'medium', 'low', 'info'])[1 + n % 5]::severity, 'title',
           repeat('x', 500), '', '{{}}', '{{}}', '{{}}', '', '{{}}', '{{}}', '', '{SCAN}', now() - n * {_STEP}
    FROM generate_series(0, {ROWS - 1}) AS n;

    INSERT INTO sightings (finding_id, scan_id, job_id, severity, is_new)
    SELECT findings.id, scans.id, scans.id, severity, true
    FROM (SELECT id, severity, row_number() OVER (ORDER BY id) AS n FROM findings) AS findings
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM scans) AS scans ON scans.n = findings.n % 2000 + 2;
    INSERT INTO sightings (finding_id, scan_id, job_id, severity, is_new)
    SELECT id, '{SCAN}', '{SCAN}', severity, false FROM findings WHERE right(id::text, 1) IN ('0', '1', '2', '3');
"""  # noqa: S608 - constants


async def fill(url: str) -> None:
    """Make the history and let the planner know of it."""
    # VACUUM can mark as visible to all only what has been committed for good.
    connection = await asyncpg.connect(url, server_settings={"synchronous_commit": "on"})
    try:
        await connection.execute(
            "INSERT INTO scanner_specs (digest, name, spec) VALUES ('sha256:x', 'bandit', $1)",
            storable_json(SCANNER.to_wire()),
        )
        await connection.execute(_STATEMENTS)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
