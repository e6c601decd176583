"""``/v1/webhooks/{webhookId}/deliveries``, and what makes one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.problems import documented
from secapi_api.schemas import Page
from secapi_api.webhooks import service
from secapi_api.webhooks.routes import WebhookId
from secapi_api.webhooks.schemas import Delivery, DeliveryQuery
from secapi_core.ledger.queries.webhooks import list_deliveries as find_deliveries
from secapi_core.ledger.transitions import deliveries as ledger

router = APIRouter(prefix="/v1/webhooks/{webhookId}", tags=["webhooks"], responses=documented(401, 403, 404, 422, 503))

DeliveryId = Annotated[UUID, Path(alias="deliveryId")]
Wanted = Annotated[DeliveryQuery, Query()]


@router.post("/ping", status_code=202, responses=documented(409))
async def ping_webhook(
    webhook_id: WebhookId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail, response: Response
) -> Delivery:
    """Have ``webhook.ping`` sent, once, to see whether it arrives."""
    async with resources.ledger.transaction(caller) as session:
        webhook = await service.manageable(session, webhook_id, caller)
        service.require_enabled(webhook)
        delivery_id = await ledger.ping(session, webhook_id)
        delivery = await service.manageable_delivery(session, webhook_id, delivery_id, caller)
        after = {"deliveryId": str(delivery_id)}
        await trail.record(session, "webhook", webhook_id, namespace=webhook.namespace, after=after)
    response.headers["Location"] = f"/v1/webhooks/{webhook_id}/deliveries/{delivery_id}"
    return Delivery.of(delivery)


@router.get("/deliveries")
async def list_webhook_deliveries(
    webhook_id: WebhookId, caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted
) -> Page[Delivery]:
    """What the webhook was told, newest first."""
    async with resources.ledger.reading(caller) as session:
        await service.manageable(session, webhook_id, caller)
        page = await find_deliveries(
            session, webhook_id, state=wanted.state, event=wanted.event, cursor=wanted.cursor, limit=wanted.limit
        )
    return Page(items=[Delivery.of(delivery) for delivery in page.items], next_cursor=page.next_cursor)


@router.get("/deliveries/{deliveryId}")
async def get_webhook_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, caller: AuthenticatedCaller, resources: AppResources
) -> Delivery:
    """One delivery."""
    async with resources.ledger.reading(caller) as session:
        return Delivery.of(await service.manageable_delivery(session, webhook_id, delivery_id, caller))


@router.post("/deliveries/{deliveryId}/replay", status_code=202, responses=documented(409))
async def replay_webhook_delivery(
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    trail: AuditTrail,
    response: Response,
) -> Delivery:
    """Send the event again, in a delivery of its own with the same ``webhook-id``. The old one stays as it ended."""
    async with resources.ledger.transaction(caller) as session:
        webhook = await service.manageable(session, webhook_id, caller)
        service.require_ended(await service.manageable_delivery(session, webhook_id, delivery_id, caller))
        service.require_enabled(webhook)
        again = await service.manageable_delivery(
            session, webhook_id, await ledger.replay(session, delivery_id), caller
        )
        images = {"deliveryId": str(delivery_id)}, {"deliveryId": str(again.id)}
        await trail.record(
            session, "webhook", webhook_id, namespace=webhook.namespace, before=images[0], after=images[1]
        )
    response.headers["Location"] = f"/v1/webhooks/{webhook_id}/deliveries/{again.id}"
    return Delivery.of(again)
