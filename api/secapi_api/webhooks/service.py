"""Decisions about webhooks."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import Conflict, FieldError, InvalidRequest, NotFound
from secapi_api.preconditions import changed_meanwhile, require_version
from secapi_api.resources import Resources
from secapi_api.settings import ApiSettings
from secapi_api.webhooks.schemas import ChangeWebhook
from secapi_core.ledger.queries.webhooks import DeliveryDetail, WebhookDetail, get_delivery, get_webhook
from secapi_core.ledger.states import DeliveryState
from secapi_core.ledger.transitions import webhooks as ledger
from secapi_core.webhooks.endpoints import EndpointRefused, allowed_addresses, parse_endpoint
from secapi_core.webhooks.signing import secret


def signing_key(settings: ApiSettings) -> bytes:
    """What secrets are derived from. Raises Conflict where the platform has none."""
    if settings.webhook_key is None:
        raise Conflict("this platform sends no webhooks; its administrator can set SECAPI_WEBHOOK_KEY")
    return settings.webhook_key.get_secret_value().encode()


def secret_of(webhook: WebhookDetail, settings: ApiSettings) -> str:
    """The present secret."""
    return secret(signing_key(settings), webhook.id, webhook.secret_version)


async def checked_url(url: str, resources: Resources) -> str:
    """The address in its one spelling. Raises InvalidRequest if nothing would be sent there; asks a resolver."""
    try:
        endpoint = parse_endpoint(url, resources.settings)
        await allowed_addresses(endpoint.host, resources.settings, resources.resolver)
    except EndpointRefused as error:
        problem = FieldError("/url", str(error))
        raise InvalidRequest("nothing can be sent to this address", errors=[problem]) from error
    return endpoint.url


async def manageable(session: AsyncSession, webhook_id: UUID, caller: Caller) -> WebhookDetail:
    """The webhook, if the caller may know of it and manages its namespace."""
    webhook = await get_webhook(session, webhook_id, caller.namespaces)
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    caller.require(Role.ADMIN, webhook.namespace)
    return webhook


async def manageable_delivery(
    session: AsyncSession, webhook_id: UUID, delivery_id: UUID, caller: Caller
) -> DeliveryDetail:
    """The webhook's delivery, under the same conditions as the webhook."""
    await manageable(session, webhook_id, caller)
    delivery = await get_delivery(session, webhook_id, delivery_id)
    if delivery is None:
        raise NotFound(f"there is no delivery {delivery_id} of webhook {webhook_id}")
    return delivery


async def changed_columns(body: ChangeWebhook, resources: Resources) -> dict[str, Any]:
    """What to set, with the address checked if there is a new one."""
    changes = body.changes()
    return changes if body.url is None else changes | {"url": await checked_url(body.url, resources)}


async def change(session: AsyncSession, before: WebhookDetail, version: str, changes: dict[str, Any]) -> WebhookDetail:
    """The webhook with ``changes``. Raises PreconditionFailed if it is not at ``version`` any more."""
    require_version(version, before.version)
    # Disabling it again must not hide why it was.
    if changes.get("enabled") is False and before.disabled_reason is not None:
        changes = {name: value for name, value in changes.items() if name != "enabled"}
    if not await ledger.change_webhook(session, before.id, before.version, changes):
        raise changed_meanwhile()
    after = await get_webhook(session, before.id, None)
    if after is None:
        raise changed_meanwhile()
    return after


def require_enabled(webhook: WebhookDetail) -> None:
    """Raises Conflict for a webhook that nothing is sent to."""
    if webhook.disabled_reason is not None:
        raise Conflict(f"the webhook is disabled ({webhook.disabled_reason}); enable it first")


def require_ended(delivery: DeliveryDetail) -> None:
    """Raises Conflict for a delivery that is still being tried."""
    if delivery.state == DeliveryState.PENDING:
        raise Conflict("the delivery is still being tried")


def image(webhook: WebhookDetail) -> dict[str, Any]:
    """What the audit trail says of a webhook."""
    return {
        "url": webhook.url,
        "events": webhook.events,
        "description": webhook.description,
        "enabled": webhook.disabled_reason is None,
        "secretVersion": webhook.secret_version,
    }
