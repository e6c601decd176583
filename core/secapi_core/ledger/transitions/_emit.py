"""Telling webhooks: a delivery for each that wants the event, and its message, in the statement that makes it happen.

So none is lost and none is doubled: the events are there if and only if what they tell of is.
"""

from secapi_core.ledger.transitions._notify import OUTBOX
from secapi_core.messages import DELIVERIES

ENDED = """
    scans.id AS scan_id, scans.namespace, scans.name, scans.state, scans.reason, scans.created_at, scans.completed_at,
    scans.gate_passed, scans.jobs_total, scans.jobs_succeeded, scans.jobs_failed, scans.jobs_cancelled,
    scans.findings_critical, scans.findings_high, scans.findings_medium, scans.findings_low, scans.findings_info,
    scans.findings_new
"""
"""What a statement that ends a scan returns of it, for ``EMIT_SCAN_ENDED``."""

# UUIDv7: 48 bits of milliseconds, the version, random bits. Postgres has a function for it from 18 on.
_NEW_ID = """
    encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
"""

SEND = f"""
    messages AS (
        INSERT INTO outbox (delivery_id, queue, not_before) SELECT id, '{DELIVERIES}', not_before FROM delivery
        RETURNING id
    ), announced AS (
        SELECT pg_notify('{OUTBOX}', '') FROM messages
    )
"""  # noqa: S608 - joins constants
"""Common table expressions that send a message for each row of one named ``delivery``; read ``announced``, lest
Postgres leave it out."""

# A webhook that is being deleted is waited for and then left out: it must not fail the scan's end.
EMIT_SCAN_ENDED = f"""
    event AS (
        SELECT {_NEW_ID} AS id, 'scan.' || state AS type, ended.* FROM ended
    ), delivery AS (
        INSERT INTO deliveries (id, webhook_id, namespace, event_type, event_id, payload)
        SELECT {_NEW_ID}, webhooks.id, event.namespace, event.type, event.id, jsonb_build_object(
            'type', event.type,
            'timestamp', event.completed_at,
            'data', jsonb_build_object(
                'scanId', event.scan_id,
                'namespace', event.namespace,
                'name', event.name,
                'phase', initcap(event.state),
                'reason', event.reason,
                'jobs', jsonb_build_object(
                    'total', event.jobs_total, 'succeeded', event.jobs_succeeded, 'failed', event.jobs_failed,
                    'cancelled', event.jobs_cancelled),
                'findings', jsonb_build_object(
                    'critical', event.findings_critical, 'high', event.findings_high,
                    'medium', event.findings_medium, 'low', event.findings_low, 'info', event.findings_info,
                    'new', event.findings_new),
                'gatePassed', event.gate_passed,
                'createdAt', event.created_at,
                'completedAt', event.completed_at
            )
        )
        FROM event
        JOIN webhooks ON webhooks.namespace = event.namespace
        WHERE webhooks.disabled_reason IS NULL AND event.type = ANY (webhooks.events)
        FOR KEY SHARE OF webhooks
        RETURNING id, not_before
    ), {SEND}
"""  # noqa: S608 - joins constants
"""Common table expressions after one named ``ended``: the scan's row with ``ENDED`` in its new state."""
