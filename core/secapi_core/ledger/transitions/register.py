"""register: a scan is known from the moment its custom resource exists."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.bounded_json import storable_json
from secapi_core.ledger.summaries import SUMMARY, note_summary
from secapi_core.ledger.types import NewScan

_REGISTER = text(f"""
    INSERT INTO scans (id, namespace, name, spec, priority, submitted_by, state)
    VALUES (:id, :namespace, :name, :spec, :priority, :submitted_by, 'pending')
    ON CONFLICT DO NOTHING
    RETURNING {SUMMARY}
""")  # noqa: S608 - joins a constant


async def register_scan(session: AsyncSession, scan: NewScan) -> None:
    """Enter ``scan`` as pending; a scan that is known already, in whatever state, is left alone."""
    registered = await session.execute(_REGISTER, scan_columns(scan))
    note_summary(session, registered.scalar_one_or_none())


def scan_columns(scan: NewScan) -> dict[str, object]:
    """The statement parameters that describe ``scan``."""
    return {
        "id": scan.id,
        "namespace": scan.namespace,
        "name": scan.name,
        "spec": storable_json(scan.spec.to_wire()),
        "priority": scan.spec.priority,
        "submitted_by": scan.submitted_by,
    }
