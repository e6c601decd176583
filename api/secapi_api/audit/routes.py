"""``/v1/audit-events``."""

from typing import Annotated

from fastapi import APIRouter, Query

from secapi_api.audit.schemas import AuditEvent, AuditQuery
from secapi_api.auth.callers import Role
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.problems import documented
from secapi_api.schemas import Page
from secapi_core.ledger.queries.audit_events import list_events

router = APIRouter(prefix="/v1/audit-events", tags=["audit"], responses=documented(401, 403, 422, 503))


Wanted = Annotated[AuditQuery, Query()]


@router.get("")
async def list_audit_events(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[AuditEvent]:
    """Who did what, newest first: in one namespace for its admins, everywhere for the platform's."""
    caller.require(Role.ADMIN, wanted.namespace)
    async with resources.ledger.reading(caller) as session:
        page = await list_events(session, wanted.filter(), wanted.cursor, wanted.limit)
    return Page(items=[AuditEvent.of(event) for event in page.items], next_cursor=page.next_cursor)
