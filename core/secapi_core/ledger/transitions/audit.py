"""record_event: one line of the audit trail, in the transaction of the change that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.bounded_json import bounded_json

IMAGE_LIMIT = 16 * 1024
"""Bytes of JSON that are kept of what something was before or after."""

_RECORD = text("""
    INSERT INTO audit_events (id, actor, actor_name, action, namespace, kind, subject, request_id, before, after)
    SELECT :id, :actor, :actor_name, :action, :namespace, :kind, :subject, :request_id,
           CAST(CAST(:before AS text) AS jsonb), CAST(CAST(:after AS text) AS jsonb)
    WHERE NOT (:once AND EXISTS (SELECT FROM audit_events WHERE subject = :subject AND action = :action))
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuditEvent:
    """Who (``actor``) did what (``action``) to what (``kind``, ``subject``); no secrets in ``before`` and ``after``.

    ``namespace`` is ``None`` for what belongs to the whole platform.
    """

    actor: str
    actor_name: str
    action: str
    kind: str
    subject: str
    namespace: str | None
    request_id: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


async def record_event(session: AsyncSession, event: NewAuditEvent, *, once: bool = False) -> None:
    """Append the event; it stays if and only if the transaction does.

    ``once``: not if the same was done to the same subject before, for what people may ask for repeatedly.
    """
    parameters = {name: getattr(event, name) for name in NewAuditEvent.__dataclass_fields__}
    images = {name: _image(parameters[name]) for name in ("before", "after")}
    await session.execute(_RECORD, {"id": uuid7(), "once": once} | parameters | images)


def _image(state: Mapping[str, Any] | None) -> str | None:
    return None if state is None else bounded_json(state, IMAGE_LIMIT)
