"""Every table of the ledger; importing this package fills ``Base.metadata`` for Alembic."""

from secapi_core.ledger.tables.api_keys import ApiKey
from secapi_core.ledger.tables.artifacts import Artifact
from secapi_core.ledger.tables.attempts import Attempt
from secapi_core.ledger.tables.audit_events import AuditEvent
from secapi_core.ledger.tables.base import Base
from secapi_core.ledger.tables.dead_letters import DeadLetter
from secapi_core.ledger.tables.findings import FindingRow
from secapi_core.ledger.tables.idempotency_keys import IdempotencyKey
from secapi_core.ledger.tables.outbox import OutboxMessage
from secapi_core.ledger.tables.scan_jobs import ScanJob
from secapi_core.ledger.tables.scanner_specs import ScannerSpecRow
from secapi_core.ledger.tables.scans import Scan
from secapi_core.ledger.tables.sightings import Sighting
from secapi_core.ledger.tables.users import Membership, User
from secapi_core.ledger.tables.webhooks import Delivery, Webhook

__all__ = [
    "ApiKey",
    "Artifact",
    "Attempt",
    "AuditEvent",
    "Base",
    "DeadLetter",
    "Delivery",
    "FindingRow",
    "IdempotencyKey",
    "Membership",
    "OutboxMessage",
    "Scan",
    "ScanJob",
    "ScannerSpecRow",
    "Sighting",
    "User",
    "Webhook",
]
