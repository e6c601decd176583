"""``/v1/memberships``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.memberships import service
from secapi_api.memberships.schemas import ChangeMembership, CreateMembership, Membership, MembershipQuery
from secapi_api.preconditions import ExpectedVersion, changed_meanwhile, etag, require_version
from secapi_api.problems import documented
from secapi_api.schemas import Page
from secapi_core.ledger.queries.users import list_memberships as find_memberships
from secapi_core.ledger.transitions import users as ledger

router = APIRouter(prefix="/v1/memberships", tags=["memberships"], responses=documented(401, 403, 422, 503))

MembershipId = Annotated[UUID, Path(alias="membershipId")]
Wanted = Annotated[MembershipQuery, Query()]
NewMembership = Annotated[CreateMembership, Depends(JsonBody(CreateMembership))]
Change = Annotated[ChangeMembership, Depends(JsonBody(ChangeMembership))]


@router.get("")
async def list_memberships(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[Membership]:
    """Members of a namespace for its admins; of all of them for the platform's."""
    caller.require(Role.ADMIN, wanted.namespace)
    async with resources.ledger.reading(caller) as session:
        page = await find_memberships(
            session, namespace=wanted.namespace, user_id=wanted.user_id, cursor=wanted.cursor, limit=wanted.limit
        )
    return Page(items=[Membership.of(found) for found in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=documented(409, 413, 415), openapi_extra=request_body(CreateMembership))
async def create_membership(
    caller: AuthenticatedCaller, resources: AppResources, body: NewMembership, trail: AuditTrail, response: Response
) -> Membership:
    """Give somebody a role in a namespace."""
    caller = await resources.authenticator.in_namespace(caller, body.namespace)
    caller.require(Role.ADMIN, body.namespace)
    async with resources.ledger.transaction(caller) as session:
        made = await service.create(session, body)
        await trail.record(session, "membership", made.id, namespace=made.namespace, after=service.image(made))
    response.headers["Location"] = f"/v1/memberships/{made.id}"
    response.headers["ETag"] = etag(made.version)
    return Membership.of(made)


@router.get("/{membershipId}", responses=documented(404))
async def get_membership(
    membership_id: MembershipId, caller: AuthenticatedCaller, resources: AppResources, response: Response
) -> Membership:
    """One membership."""
    async with resources.ledger.reading(caller) as session:
        membership = await service.manageable(session, membership_id, caller)
    response.headers["ETag"] = etag(membership.version)
    return Membership.of(membership)


@router.patch(
    "/{membershipId}", responses=documented(404, 412, 413, 415, 428), openapi_extra=request_body(ChangeMembership)
)
async def change_membership(
    membership_id: MembershipId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    version: ExpectedVersion,
    body: Change,
    trail: AuditTrail,
    response: Response,
) -> Membership:
    """Give another role."""
    async with resources.ledger.transaction(caller) as session:
        before = await service.manageable(session, membership_id, caller)
        require_version(version, before.version)
        if not await ledger.change_membership(session, membership_id, before.version, role=body.role):
            raise changed_meanwhile()
        after = await service.manageable(session, membership_id, caller)
        images = service.image(before), service.image(after)
        await trail.record(
            session, "membership", membership_id, namespace=after.namespace, before=images[0], after=images[1]
        )
    response.headers["ETag"] = etag(after.version)
    return Membership.of(after)


@router.delete("/{membershipId}", status_code=204, responses=documented(404, 412, 428))
async def remove_membership(
    membership_id: MembershipId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    version: ExpectedVersion,
    trail: AuditTrail,
) -> Response:
    """Take the role away."""
    async with resources.ledger.transaction(caller) as session:
        before = await service.manageable(session, membership_id, caller)
        require_version(version, before.version)
        if not await ledger.remove_membership(session, membership_id, before.version):
            raise changed_meanwhile()
        await trail.record(
            session, "membership", membership_id, namespace=before.namespace, before=service.image(before)
        )
    return Response(status_code=204)
