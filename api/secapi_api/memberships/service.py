"""Decisions about memberships."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import Conflict, FieldError, InvalidRequest, NotFound
from secapi_api.memberships.schemas import CreateMembership
from secapi_core.ledger.queries.users import MembershipDetail, get_membership, get_user
from secapi_core.ledger.transitions.users import create_membership


async def manageable(session: AsyncSession, membership_id: UUID, caller: Caller) -> MembershipDetail:
    """The membership, if the caller may know of it and manages its namespace."""
    membership = await get_membership(session, membership_id, caller.namespaces)
    if membership is None:
        raise NotFound(f"there is no membership {membership_id}")
    caller.require(Role.ADMIN, membership.namespace)
    return membership


async def create(session: AsyncSession, body: CreateMembership) -> MembershipDetail:
    """Make the membership. Raises InvalidRequest for an unknown user, Conflict for one who is a member."""
    if await get_user(session, body.user_id) is None:
        raise InvalidRequest("there is no such user", errors=[FieldError("/userId", "is nobody's id")])
    made = await create_membership(session, user_id=body.user_id, namespace=body.namespace, role=body.role)
    found = None if made is None else await get_membership(session, made, None)
    if found is None:
        member = FieldError("/userId", "has a role in this namespace already; change that")
        raise Conflict("the user is a member of the namespace", errors=[member])
    return found


def image(membership: MembershipDetail) -> dict[str, Any]:
    """What the audit trail says of a membership."""
    return {"userId": str(membership.user_id), "role": membership.role}
