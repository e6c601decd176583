"""Bodies and answers of ``/v1/webhooks``."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from secapi_api.schemas import Namespace, PageQuery, Schema
from secapi_core.ledger.queries.webhooks import DeliveryDetail, WebhookDetail
from secapi_core.ledger.states import DeliveryState
from secapi_core.webhooks.events import DeliveryFailure, Disabled, Event

LONGEST_GRACE = 7 * 24 * 3_600
DAY = 24 * 3_600

Url = Annotated[str, Field(min_length=1, max_length=2_048, examples=["https://hooks.example/secapi"])]
"""https, a public address, no credentials in front of the host."""

Subscribed = Annotated[
    list[Literal[Event.SCAN_SUCCEEDED, Event.SCAN_FAILED, Event.SCAN_CANCELLED]], Field(min_length=1, max_length=16)
]
Description = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class CreateWebhook(Schema):
    """An address that is to be told."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace": "team-a",
                    "url": "https://hooks.example/secapi",
                    "events": ["scan.succeeded", "scan.failed"],
                    "description": "chat of the team",
                }
            ]
        }
    )

    namespace: Namespace
    url: Url
    events: Subscribed
    description: Description = ""


class ChangeWebhook(Schema):
    """What is left out, or null, stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}]})

    url: Url | None = None
    events: Subscribed | None = None
    description: Description | None = None
    enabled: bool | None = None
    """Enabling a webhook again forgives what failed."""

    def changes(self) -> dict[str, Any]:
        """The columns to set; ``enabled`` stands for its reason."""
        return self.model_dump(mode="json", exclude_none=True)


class RotateSecret(Schema):
    """How the old secret ends."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"graceSeconds": DAY}]})

    grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE)] = DAY
    """How long everything is signed with the old secret as well, so that nothing is refused while it is exchanged."""


class Webhook(Schema):
    """A webhook without its secret."""

    id: UUID
    namespace: str
    url: str
    events: list[Event]
    description: str
    enabled: bool
    disabled_reason: Disabled | None
    consecutive_failures: int
    """Deliveries in a row that failed for good; after too many the webhook is disabled."""

    failing_since: datetime | None
    previous_secret_until: datetime | None
    """When the secret before the present one ended, or will."""

    created_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, webhook: WebhookDetail) -> "Webhook":
        """From the ledger."""
        return cls(**_fields(webhook))


class IssuedWebhook(Webhook):
    """A webhook with its new secret, which nobody can see again."""

    secret: Annotated[str, Field(examples=["whsec_tq7mKGqkpfxrs6JWWcVWbYJm2bE7wWrFWQNv9DXDWMc="])]
    """Give it to the receiver: Standard Webhooks' libraries verify with it."""

    @classmethod
    def issued(cls, webhook: WebhookDetail, secret: str) -> "IssuedWebhook":
        """From the ledger, with the secret that is derived just now."""
        return cls(**_fields(webhook), secret=secret)


class Delivery(Schema):
    """One event for one webhook."""

    id: UUID
    webhook_id: UUID
    event: Event
    event_id: UUID
    """The header ``webhook-id``, the same however often the event is sent."""

    payload: dict[str, Any]
    """The body."""

    state: DeliveryState
    attempts: int
    status_code: int | None
    """What the receiver answered last."""

    reason: DeliveryFailure | None
    """Why the last try failed."""

    response: str | None
    """The beginning of the last answer, or one sentence about why there was none."""

    next_attempt_at: datetime | None
    """For pending ones; during a try, when the next begins if nothing is heard of this one."""

    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, delivery: DeliveryDetail) -> "Delivery":
        """From the ledger."""
        shared = {name: getattr(delivery, name) for name in cls.model_fields.keys() & set(_DELIVERY)}
        waiting = delivery.state == DeliveryState.PENDING
        return cls(
            **shared
            | {
                "event": Event(delivery.event_type),
                "state": DeliveryState(delivery.state),
                "reason": DeliveryFailure(delivery.reason) if delivery.reason else None,
                "next_attempt_at": delivery.not_before if waiting else None,
            }
        )


class WebhookQuery(PageQuery):
    """Which webhooks."""

    namespace: Namespace | None = None
    """Without one: of all namespaces, which takes the platform's administrator."""


class DeliveryQuery(PageQuery):
    """Which deliveries; every condition that is given holds."""

    state: DeliveryState | None = None
    event: Event | None = None


_DELIVERY = DeliveryDetail.__dataclass_fields__


def _fields(webhook: WebhookDetail) -> dict[str, Any]:
    shared = {name: getattr(webhook, name) for name in Webhook.model_fields if hasattr(webhook, name)}
    reason = webhook.disabled_reason
    return shared | {
        "events": [Event(event) for event in webhook.events],
        "enabled": reason is None,
        "disabled_reason": Disabled(reason) if reason else None,
    }
