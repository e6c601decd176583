"""Deliveries: sent on their way, claimed for one try, and what that try came to.

As with jobs, a claim adds one to ``attempts``, and an outcome counts only for who names the current number. A try that
nobody tells the end of, because its worker died, is over when ``not_before`` has come: then the next may begin, and the
receiver may get the event again, under the same ``webhook-id``.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.bounded_json import storable_json
from secapi_core.ledger.transitions._emit import SEND
from secapi_core.ledger.transitions.audit import NewAuditEvent, record_event
from secapi_core.ledger.transitions.webhooks import disable_webhook
from secapi_core.ledger.types import ClaimedDelivery, DeliveryAnswer
from secapi_core.webhooks.events import DeliveryFailure, Disabled, Event

_PING = text(f"""
    WITH delivery AS (
        INSERT INTO deliveries (id, webhook_id, namespace, event_type, event_id, payload)
        SELECT :id, id, namespace, :event_type, :event_id, jsonb_build_object(
            'type', CAST(:event_type AS text), 'timestamp', now(), 'data', CAST(:data AS jsonb))
        FROM webhooks WHERE id = :webhook_id
        RETURNING id, not_before
    ), {SEND}
    SELECT * FROM announced
""")  # noqa: S608 - joins constants

_REPLAY = text(f"""
    WITH delivery AS (
        INSERT INTO deliveries (id, webhook_id, namespace, event_type, event_id, payload)
        SELECT :id, webhook_id, namespace, event_type, event_id, payload FROM deliveries WHERE id = :delivery_id
        RETURNING id, not_before
    ), {SEND}
    SELECT * FROM announced
""")  # noqa: S608 - joins constants

_CLAIM = text("""
    UPDATE deliveries
    SET attempts = attempts + 1, not_before = now() + make_interval(secs => :lease_seconds)
    FROM webhooks
    WHERE deliveries.id = :id AND state = 'pending' AND not_before <= now() AND webhooks.id = webhook_id
    RETURNING deliveries.id, webhook_id, deliveries.namespace, event_type, event_id, payload, attempts, url,
              disabled_reason IS NOT NULL AS disabled, secret_version,
              coalesce(secret_version > 1 AND previous_secret_until > now(), false) AS both_secrets
""")

# By a quarter of its age: what has waited long is looked at seldom, and once there is room it is not much later for it.
_POSTPONE = text(f"""
    WITH delivery AS (
        UPDATE deliveries
        SET not_before = now() + (1 + random() / 4)
            * least(greatest((now() - created_at) / 4, interval '1 second'), interval '5 minutes')
        WHERE id = :id AND state = 'pending' AND not_before <= now()
          AND (webhook_id = ANY (:webhooks) OR namespace = ANY (:namespaces))
        RETURNING id, not_before
    ), {SEND}
    SELECT * FROM announced
""")  # noqa: S608 - joins constants

_OUTCOME = "status_code = :status_code, reason = :reason, response = :response"
_OWNED = "deliveries.id = :id AND attempts = :attempts AND state = 'pending'"

_RETRY = text(f"""
    WITH delivery AS (
        UPDATE deliveries SET {_OUTCOME}, not_before = now() + :pause WHERE {_OWNED} RETURNING id, not_before
    ), {SEND}
    SELECT * FROM announced
""")  # noqa: S608 - joins constants

_END = text(f"""
    UPDATE deliveries SET {_OUTCOME}, state = :state, finished_at = now() WHERE {_OWNED} RETURNING id
""")  # noqa: S608 - joins constants

# An id begins with the milliseconds at which it was made, so the oldest are where the primary key begins. An array
# instead of a join: rows are then looked up by their ids, however many the planner expects.
_FORGET = text("""
    DELETE FROM deliveries
    WHERE id = ANY (ARRAY (
        SELECT id FROM deliveries
        WHERE id < rpad(lpad(to_hex((extract(epoch FROM now() - CAST(:older_than AS interval)) * 1000)::bigint),
                             12, '0'), 32, '0')::uuid
          AND state <> 'pending'
        ORDER BY id
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
""")

_FORGIVE = text("""
    UPDATE webhooks
    SET consecutive_failures = 0, failing_since = NULL, version = version + 1, updated_at = now()
    WHERE id = :id AND consecutive_failures > 0
""")

_COUNT = text("""
    UPDATE webhooks
    SET consecutive_failures = consecutive_failures + 1, failing_since = coalesce(failing_since, now()),
        version = version + 1, updated_at = now()
    WHERE id = :id
    RETURNING consecutive_failures
""")


async def ping(session: AsyncSession, webhook_id: UUID) -> UUID:
    """Have ``webhook.ping`` sent; returns the delivery's id."""
    delivery_id = uuid7()
    data = storable_json({"webhookId": str(webhook_id)})
    parameters = {"id": delivery_id, "webhook_id": webhook_id, "event_type": Event.PING, "event_id": uuid7()}
    await session.execute(_PING, parameters | {"data": data})
    return delivery_id


async def replay(session: AsyncSession, delivery_id: UUID) -> UUID:
    """Send the event again in a delivery of its own, with the same ``webhook-id``; returns the new delivery's id."""
    new_id = uuid7()
    await session.execute(_REPLAY, {"id": new_id, "delivery_id": delivery_id})
    return new_id


async def claim_delivery(session: AsyncSession, delivery_id: UUID, *, lease_seconds: float) -> ClaimedDelivery | None:
    """Own the delivery's next try for ``lease_seconds``.

    ``None``: somebody else has it, it ended, or it is not due yet; the message that led here can be dropped.
    """
    parameters = {"id": delivery_id, "lease_seconds": lease_seconds}
    row = (await session.execute(_CLAIM, parameters)).mappings().one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = dict(row)
    newest, both = values.pop("secret_version"), values.pop("both_secrets")
    return ClaimedDelivery(**values, signing_versions=[newest, newest - 1] if both else [newest])


async def postpone_delivery(
    session: AsyncSession, delivery_id: UUID, *, webhooks: Sequence[UUID], namespaces: Sequence[str]
) -> bool:
    """Put a due delivery off, for a second to some minutes, if it is for one of these; that is no attempt."""
    parameters = {"id": delivery_id, "webhooks": webhooks, "namespaces": namespaces}
    return bool((await session.execute(_POSTPONE, parameters)).all())


async def retry_delivery(
    session: AsyncSession, claimed: ClaimedDelivery, answer: DeliveryAnswer, pause: timedelta
) -> bool:
    """Try again after ``pause``; false if this try does not count any more."""
    return bool((await session.execute(_RETRY, _outcome(claimed, answer) | {"pause": pause})).all())


async def end_delivery(
    session: AsyncSession, claimed: ClaimedDelivery, answer: DeliveryAnswer, *, disable_after: int
) -> bool:
    """It is delivered, or has failed for good; false if this try does not count any more.

    The webhook is disabled if its receiver is gone, or when ``disable_after`` deliveries in a row have failed.
    """
    state = "delivered" if answer.failure is None else "failed"
    if not (await session.execute(_END, _outcome(claimed, answer) | {"state": state})).all():
        return False
    match answer.failure:
        case None:
            await session.execute(_FORGIVE, {"id": claimed.webhook_id})
        case DeliveryFailure.GONE:
            await _disable(session, claimed, Disabled.GONE)
        case DeliveryFailure.WEBHOOK_DISABLED:
            pass  # Nobody was asked.
        case _:
            failures = (await session.execute(_COUNT, {"id": claimed.webhook_id})).scalar_one()
            if failures >= disable_after:
                await _disable(session, claimed, Disabled.FAILING)
    return True


async def forget_deliveries(session: AsyncSession, *, older_than: timedelta, limit: int) -> int:
    """Delete at most ``limit`` deliveries that were made longer ago and have ended, the oldest first; returns how many.

    What is still to be sent stays, however old it is.
    """
    forgotten = await session.execute(_FORGET, {"older_than": older_than, "limit": limit})
    return len(forgotten.all())


async def _disable(session: AsyncSession, claimed: ClaimedDelivery, reason: Disabled) -> None:
    if await disable_webhook(session, claimed.webhook_id, reason):
        event = NewAuditEvent(
            actor="system:webhooks",
            actor_name="SecAPI",
            action="disableWebhook",
            kind="webhook",
            subject=str(claimed.webhook_id),
            namespace=claimed.namespace,
            request_id=str(claimed.event_id),
            before={"enabled": True},
            after={"enabled": False, "disabledReason": reason},
        )
        await record_event(session, event)


def _outcome(claimed: ClaimedDelivery, answer: DeliveryAnswer) -> dict[str, object]:
    return {
        "id": claimed.id,
        "attempts": claimed.attempts,
        "status_code": answer.status_code,
        "reason": answer.failure,
        "response": answer.response,
    }
