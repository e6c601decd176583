"""``/v1/api-keys``."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from secapi_api.api_keys import service
from secapi_api.api_keys.schemas import ApiKey, ApiKeyQuery, CreateApiKey, IssuedApiKey, RotateApiKey
from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.errors import Conflict
from secapi_api.problems import documented
from secapi_api.schemas import Page
from secapi_core.ledger.queries.api_keys import list_api_keys as find_api_keys
from secapi_core.ledger.transitions import api_keys as ledger

router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"], responses=documented(401, 403, 422, 503))

KeyId = Annotated[UUID, Path(alias="keyId")]
Wanted = Annotated[ApiKeyQuery, Query()]
NewKey = Annotated[CreateApiKey, Depends(JsonBody(CreateApiKey))]
Rotation = Annotated[RotateApiKey, Depends(JsonBody(RotateApiKey))]


@router.get("")
async def list_api_keys(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[ApiKey]:
    """Keys of one namespace, or all, newest first; never their secrets."""
    caller.require(Role.ADMIN, wanted.namespace)
    async with resources.ledger.reading(caller) as session:
        page = await find_api_keys(
            session, wanted.namespace, active=wanted.active, cursor=wanted.cursor, limit=wanted.limit
        )
    return Page(items=[ApiKey.of(key) for key in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=documented(413, 415), openapi_extra=request_body(CreateApiKey))
async def create_api_key(
    caller: AuthenticatedCaller, resources: AppResources, body: NewKey, trail: AuditTrail, response: Response
) -> IssuedApiKey:
    """Make a key. Its secret is in this answer and nowhere else."""
    if body.namespace is not None:
        caller = await resources.authenticator.in_namespace(caller, body.namespace)
    caller.require(Role.ADMIN, body.namespace)
    service.require_no_more(caller, body.scopes)
    async with resources.ledger.transaction(caller) as session:
        issued = await ledger.create_api_key(
            session,
            name=body.name,
            namespace=body.namespace,
            role=body.role,
            scopes=body.scopes,
            pepper=resources.settings.pepper,
            created_by=caller.id,
            expires_at=body.expires_at,
        )
        key = await service.manageable_key(session, issued.id, caller)
        service.check_expiry(key)
        await trail.record(session, "api-key", key.id, namespace=key.namespace, after=service.image(key))
    response.headers["Location"] = f"/v1/api-keys/{key.id}"
    return IssuedApiKey.issued(key, issued.secret)


@router.get("/{keyId}", responses=documented(404))
async def get_api_key(key_id: KeyId, caller: AuthenticatedCaller, resources: AppResources) -> ApiKey:
    """One key without its secret."""
    async with resources.ledger.reading(caller) as session:
        return ApiKey.of(await service.manageable_key(session, key_id, caller))


@router.post(
    "/{keyId}/rotate",
    status_code=201,
    responses=documented(404, 409, 413, 415),
    openapi_extra=request_body(RotateApiKey),
)
async def rotate_api_key(
    key_id: KeyId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    body: Rotation,
    trail: AuditTrail,
    response: Response,
) -> IssuedApiKey:
    """Exchange the key for another one that may do the same; the old one ends now, or after a grace period."""
    async with resources.ledger.transaction(caller) as session:
        old = await service.manageable_key(session, key_id, caller)
        service.require_no_more(caller, old.scopes)
        issued = await ledger.rotate_api_key(
            session,
            key_id,
            pepper=resources.settings.pepper,
            grace=timedelta(seconds=body.grace_seconds),
            expires_at=body.expires_at,
            created_by=caller.id,
        )
        if issued is None:
            raise Conflict("a key that is revoked or expired cannot be rotated; make a new one")
        key = await service.manageable_key(session, issued.id, caller)
        service.check_expiry(key)
        before, after = service.image(old), service.image(key) | {"id": str(key.id)}
        await trail.record(session, "api-key", key_id, namespace=key.namespace, before=before, after=after)
    await resources.authenticator.known.ended(key_id)
    response.headers["Location"] = f"/v1/api-keys/{key.id}"
    return IssuedApiKey.issued(key, issued.secret)


@router.delete("/{keyId}", status_code=204, responses=documented(404))
async def revoke_api_key(
    key_id: KeyId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail
) -> Response:
    """Make the key worthless at once; it stays in the list of all keys."""
    async with resources.ledger.transaction(caller) as session:
        key = await service.manageable_key(session, key_id, caller)
        if await ledger.revoke_api_key(session, key_id):
            await trail.record(session, "api-key", key_id, namespace=key.namespace, before=service.image(key))
    await resources.authenticator.known.ended(key_id)
    return Response(status_code=204)
