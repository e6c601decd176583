"""``/v1/policies``. Policies restrict a namespace's own admins too, so only the platform's write them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.custom_resources.parameters import NamespacedQuery, ObjectName
from secapi_api.custom_resources.service import listed_namespace, record
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.policies.schemas import CreatePolicy, Policy, ReplacePolicy
from secapi_api.preconditions import ExpectedVersion, etag
from secapi_api.problems import documented
from secapi_api.schemas import Namespace, Page

router = APIRouter(prefix="/v1/policies", tags=["policies"], responses=documented(401, 403, 422, 503))

Wanted = Annotated[NamespacedQuery, Query()]


@router.get("")
async def list_policies(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[Policy]:
    """Policies of one namespace by name, or of all namespaces for who has a role for the whole platform."""
    namespace = listed_namespace(caller, wanted.namespace)
    page = await resources.policies.page(namespace, wanted.cursor, wanted.limit)
    return Page(items=[Policy.of(stored) for stored in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=documented(409, 413, 415), openapi_extra=request_body(CreatePolicy))
async def create_policy(
    caller: AuthenticatedCaller,
    resources: AppResources,
    body: Annotated[CreatePolicy, Depends(JsonBody(CreatePolicy))],
    trail: AuditTrail,
    response: Response,
) -> Policy:
    """Impose a policy on a namespace, besides those it has. It holds for scans that are submitted from now on."""
    caller.require_everywhere(Role.ADMIN)
    made = await resources.policies.create(body.namespace, body.name, body.spec)
    await record(resources.ledger, trail, "policy", after=made)
    response.headers["Location"] = f"{router.prefix}/{body.namespace}/{body.name}"
    response.headers["ETag"] = etag(made.version)
    return Policy.of(made)


@router.get("/{namespace}/{name}", responses=documented(404))
async def get_policy(
    namespace: Namespace, name: ObjectName, caller: AuthenticatedCaller, resources: AppResources, response: Response
) -> Policy:
    """One policy; its ``ETag`` is what a change of it must name."""
    caller.require(Role.VIEWER, namespace)
    stored = await resources.policies.get(namespace, name)
    response.headers["ETag"] = etag(stored.version)
    return Policy.of(stored)


@router.put(
    "/{namespace}/{name}",
    responses=documented(404, 412, 413, 415, 428),
    openapi_extra=request_body(ReplacePolicy),
)
async def replace_policy(
    namespace: Namespace,
    name: ObjectName,
    caller: AuthenticatedCaller,
    resources: AppResources,
    expected: ExpectedVersion,
    body: Annotated[ReplacePolicy, Depends(JsonBody(ReplacePolicy))],
    trail: AuditTrail,
    response: Response,
) -> Policy:
    """Replace the whole spec; it holds for scans that are submitted from now on."""
    caller.require_everywhere(Role.ADMIN)
    replaced = await resources.policies.replace(namespace, name, body.spec, expected=expected)
    await record(resources.ledger, trail, "policy", before=replaced.before, after=replaced.after)
    response.headers["ETag"] = etag(replaced.after.version)
    return Policy.of(replaced.after)


@router.delete("/{namespace}/{name}", status_code=204, responses=documented(404, 412, 428))
async def delete_policy(
    namespace: Namespace,
    name: ObjectName,
    caller: AuthenticatedCaller,
    resources: AppResources,
    expected: ExpectedVersion,
    trail: AuditTrail,
) -> Response:
    """Lift the policy. A namespace without any may scan everything outside the ranges that are always denied."""
    caller.require_everywhere(Role.ADMIN)
    deleted = await resources.policies.delete(namespace, name, expected=expected)
    await record(resources.ledger, trail, "policy", before=deleted)
    return Response(status_code=204)
