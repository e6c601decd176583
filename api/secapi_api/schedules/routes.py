"""``/v1/schedules``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.custom_resources.parameters import NamespacedQuery, ObjectName
from secapi_api.custom_resources.service import listed_namespace, record
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.preconditions import ExpectedVersion, etag
from secapi_api.problems import documented
from secapi_api.schedules.schemas import CreateSchedule, ReplaceSchedule, Schedule
from secapi_api.schemas import Namespace, Page

router = APIRouter(prefix="/v1/schedules", tags=["schedules"], responses=documented(401, 403, 422, 503))

Wanted = Annotated[NamespacedQuery, Query()]


@router.get("")
async def list_schedules(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[Schedule]:
    """Schedules of one namespace by name, or of all namespaces for who has a role for the whole platform."""
    namespace = listed_namespace(caller, wanted.namespace)
    page = await resources.schedules.page(namespace, wanted.cursor, wanted.limit)
    return Page(items=[Schedule.of(stored) for stored in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=documented(409, 413, 415), openapi_extra=request_body(CreateSchedule))
async def create_schedule(
    caller: AuthenticatedCaller,
    resources: AppResources,
    body: Annotated[CreateSchedule, Depends(JsonBody(CreateSchedule))],
    trail: AuditTrail,
    response: Response,
) -> Schedule:
    """Begin a schedule. Each scan that it creates is planned under the policies of that moment."""
    caller = await resources.authenticator.in_namespace(caller, body.namespace)
    caller.require(Role.ADMIN, body.namespace)
    made = await resources.schedules.create(body.namespace, body.name, body.spec)
    await record(resources.ledger, trail, "schedule", after=made)
    response.headers["Location"] = f"{router.prefix}/{body.namespace}/{body.name}"
    response.headers["ETag"] = etag(made.version)
    return Schedule.of(made)


@router.get("/{namespace}/{name}", responses=documented(404))
async def get_schedule(
    namespace: Namespace, name: ObjectName, caller: AuthenticatedCaller, resources: AppResources, response: Response
) -> Schedule:
    """One schedule; its ``ETag`` is what a change of it must name."""
    caller.require(Role.VIEWER, namespace)
    stored = await resources.schedules.get(namespace, name)
    response.headers["ETag"] = etag(stored.version)
    return Schedule.of(stored)


@router.put(
    "/{namespace}/{name}",
    responses=documented(404, 412, 413, 415, 428),
    openapi_extra=request_body(ReplaceSchedule),
)
async def replace_schedule(
    namespace: Namespace,
    name: ObjectName,
    caller: AuthenticatedCaller,
    resources: AppResources,
    expected: ExpectedVersion,
    body: Annotated[ReplaceSchedule, Depends(JsonBody(ReplaceSchedule))],
    trail: AuditTrail,
    response: Response,
) -> Schedule:
    """Replace the whole spec; it holds from the next run on."""
    caller.require(Role.ADMIN, namespace)
    replaced = await resources.schedules.replace(namespace, name, body.spec, expected=expected)
    await record(resources.ledger, trail, "schedule", before=replaced.before, after=replaced.after)
    response.headers["ETag"] = etag(replaced.after.version)
    return Schedule.of(replaced.after)


@router.delete("/{namespace}/{name}", status_code=204, responses=documented(404, 412, 428))
async def delete_schedule(
    namespace: Namespace,
    name: ObjectName,
    caller: AuthenticatedCaller,
    resources: AppResources,
    expected: ExpectedVersion,
    trail: AuditTrail,
) -> Response:
    """End the schedule."""
    caller.require(Role.ADMIN, namespace)
    deleted = await resources.schedules.delete(namespace, name, expected=expected)
    await record(resources.ledger, trail, "schedule", before=deleted)
    return Response(status_code=204)
