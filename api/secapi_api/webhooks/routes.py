"""``/v1/webhooks``."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.preconditions import ExpectedVersion, etag
from secapi_api.problems import documented
from secapi_api.schemas import Page
from secapi_api.webhooks import service
from secapi_api.webhooks.schemas import (
    ChangeWebhook,
    CreateWebhook,
    IssuedWebhook,
    RotateSecret,
    Webhook,
    WebhookQuery,
)
from secapi_core.ledger.queries.webhooks import list_webhooks as find_webhooks
from secapi_core.ledger.transitions import webhooks as ledger

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=documented(401, 403, 422, 503))

WebhookId = Annotated[UUID, Path(alias="webhookId")]
Wanted = Annotated[WebhookQuery, Query()]
NewWebhook = Annotated[CreateWebhook, Depends(JsonBody(CreateWebhook))]
Change = Annotated[ChangeWebhook, Depends(JsonBody(ChangeWebhook))]
Rotation = Annotated[RotateSecret, Depends(JsonBody(RotateSecret))]


@router.get("")
async def list_webhooks(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[Webhook]:
    """Webhooks of one namespace, or all, newest first; never their secrets."""
    caller.require(Role.ADMIN, wanted.namespace)
    async with resources.ledger.reading(caller) as session:
        page = await find_webhooks(session, wanted.namespace, cursor=wanted.cursor, limit=wanted.limit)
    return Page(items=[Webhook.of(webhook) for webhook in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=documented(409, 413, 415), openapi_extra=request_body(CreateWebhook))
async def create_webhook(
    caller: AuthenticatedCaller, resources: AppResources, body: NewWebhook, trail: AuditTrail, response: Response
) -> IssuedWebhook:
    """Have an address told of what happens in a namespace. The secret to verify it by is in this answer only."""
    caller = await resources.authenticator.in_namespace(caller, body.namespace)
    caller.require(Role.ADMIN, body.namespace)
    service.signing_key(resources.settings)
    url = await service.checked_url(body.url, resources)
    async with resources.ledger.transaction(caller) as session:
        webhook_id = await ledger.create_webhook(
            session,
            namespace=body.namespace,
            url=url,
            events=body.events,
            description=body.description,
            created_by=caller.id,
        )
        made = await service.manageable(session, webhook_id, caller)
        await trail.record(session, "webhook", made.id, namespace=made.namespace, after=service.image(made))
    response.headers["Location"] = f"/v1/webhooks/{made.id}"
    response.headers["ETag"] = etag(made.version)
    return IssuedWebhook.issued(made, service.secret_of(made, resources.settings))


@router.get("/{webhookId}", responses=documented(404))
async def get_webhook(
    webhook_id: WebhookId, caller: AuthenticatedCaller, resources: AppResources, response: Response
) -> Webhook:
    """One webhook without its secret."""
    async with resources.ledger.reading(caller) as session:
        webhook = await service.manageable(session, webhook_id, caller)
    response.headers["ETag"] = etag(webhook.version)
    return Webhook.of(webhook)


@router.patch("/{webhookId}", responses=documented(404, 412, 413, 415, 428), openapi_extra=request_body(ChangeWebhook))
async def change_webhook(
    webhook_id: WebhookId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    version: ExpectedVersion,
    body: Change,
    trail: AuditTrail,
    response: Response,
) -> Webhook:
    """Change where and of what it is told, disable it, or enable it again."""
    async with resources.ledger.reading(caller) as session:
        await service.manageable(session, webhook_id, caller)
    changes = await service.changed_columns(body, resources)
    async with resources.ledger.transaction(caller) as session:
        before = await service.manageable(session, webhook_id, caller)
        after = await service.change(session, before, version, changes)
        images = service.image(before), service.image(after)
        await trail.record(session, "webhook", webhook_id, namespace=after.namespace, before=images[0], after=images[1])
    response.headers["ETag"] = etag(after.version)
    return Webhook.of(after)


@router.delete("/{webhookId}", status_code=204, responses=documented(404))
async def remove_webhook(
    webhook_id: WebhookId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail
) -> Response:
    """Forget the webhook and everything that it was told; what is on its way may still arrive."""
    async with resources.ledger.transaction(caller) as session:
        webhook = await service.manageable(session, webhook_id, caller)
        if await ledger.remove_webhook(session, webhook_id):
            before = service.image(webhook)
            await trail.record(session, "webhook", webhook_id, namespace=webhook.namespace, before=before)
    return Response(status_code=204)


@router.post(
    "/{webhookId}/rotate-secret",
    responses=documented(404, 409, 413, 415),
    openapi_extra=request_body(RotateSecret),
)
async def rotate_webhook_secret(
    webhook_id: WebhookId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    body: Rotation,
    trail: AuditTrail,
    response: Response,
) -> IssuedWebhook:
    """Exchange the secret. For a while everything is signed with both."""
    service.signing_key(resources.settings)
    async with resources.ledger.transaction(caller) as session:
        before = await service.manageable(session, webhook_id, caller)
        await ledger.rotate_secret(session, webhook_id, grace=timedelta(seconds=body.grace_seconds))
        after = await service.manageable(session, webhook_id, caller)
        images = service.image(before), service.image(after)
        await trail.record(session, "webhook", webhook_id, namespace=after.namespace, before=images[0], after=images[1])
    response.headers["ETag"] = etag(after.version)
    return IssuedWebhook.issued(after, service.secret_of(after, resources.settings))
