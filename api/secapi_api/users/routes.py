"""``/v1/users``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.preconditions import ExpectedVersion, etag
from secapi_api.problems import documented
from secapi_api.schemas import Page, PageQuery
from secapi_api.users import service
from secapi_api.users.schemas import ChangeUser, CreateUser, User
from secapi_core.ledger.queries.users import list_users as find_users

router = APIRouter(prefix="/v1/users", tags=["users"], responses=documented(401, 403, 422, 503))

UserId = Annotated[UUID, Path(alias="userId")]
Wanted = Annotated[PageQuery, Query()]
NewUser = Annotated[CreateUser, Depends(JsonBody(CreateUser))]
Change = Annotated[ChangeUser, Depends(JsonBody(ChangeUser))]


@router.get("")
async def list_users(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[User]:
    """Everybody, newest first; for the platform's administrators."""
    caller.require_everywhere(Role.ADMIN)
    async with resources.ledger.reading(caller) as session:
        page = await find_users(session, cursor=wanted.cursor, limit=wanted.limit)
    return Page(items=[User.of(user) for user in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=documented(409, 413, 415), openapi_extra=request_body(CreateUser))
async def create_user(
    caller: AuthenticatedCaller, resources: AppResources, body: NewUser, trail: AuditTrail, response: Response
) -> User:
    """Add somebody. What they may do is said by their memberships, or by a role for the whole platform."""
    caller.require_everywhere(Role.ADMIN)
    password = await service.hashed(body)
    async with resources.ledger.transaction(caller) as session:
        user = await service.create(session, body, password.get("password_hash"))
        await trail.record(session, "user", user.id, namespace=None, after=service.image(user))
    response.headers["Location"] = f"/v1/users/{user.id}"
    response.headers["ETag"] = etag(user.version)
    return User.of(user)


@router.get("/{userId}", responses=documented(404))
async def get_user(user_id: UserId, caller: AuthenticatedCaller, resources: AppResources, response: Response) -> User:
    """One user."""
    caller.require_everywhere(Role.ADMIN)
    async with resources.ledger.reading(caller) as session:
        user = await service.known(session, user_id)
    response.headers["ETag"] = etag(user.version)
    return User.of(user)


@router.patch("/{userId}", responses=documented(404, 409, 412, 413, 415, 428), openapi_extra=request_body(ChangeUser))
async def change_user(
    user_id: UserId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    version: ExpectedVersion,
    body: Change,
    trail: AuditTrail,
    response: Response,
) -> User:
    """Change a user. A new password or identity, another role and being disabled end all of their sessions."""
    caller.require_everywhere(Role.ADMIN)
    changes = body.changes() | await service.hashed(body)
    async with resources.ledger.transaction(caller) as session:
        before = await service.known(session, user_id)
        after = await service.change(session, before, version, changes)
        await trail.record(
            session, "user", user_id, namespace=None, before=service.image(before), after=service.image(after)
        )
    response.headers["ETag"] = etag(after.version)
    return User.of(after)
