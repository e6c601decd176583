"""``/v1/scanners``: what can be asked for. The catalogue is one for all tenants, so the platform's admins write it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.custom_resources.parameters import ObjectName
from secapi_api.custom_resources.service import record
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.preconditions import ExpectedVersion, etag
from secapi_api.problems import documented
from secapi_api.scanners.parameters import CatalogueQuery
from secapi_api.scanners.schemas import CreateScanner, ReplaceScanner, Scanner, ScannerSummary
from secapi_api.scanners.service import catalogue_page, check_scanner
from secapi_api.schemas import Page

router = APIRouter(prefix="/v1/scanners", tags=["scanners"], responses=documented(401, 403, 422, 503))

Wanted = Annotated[CatalogueQuery, Query()]


@router.get("")
async def list_scanners(_: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[ScannerSummary]:
    """Every scanner of the catalogue by name, also while Kubernetes is away."""
    page = catalogue_page(await resources.catalogues.current(), wanted.cursor, wanted.limit)
    items = [ScannerSummary.of(name, spec) for name, spec in page.items]
    return Page(items=items, next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=documented(409, 413, 415), openapi_extra=request_body(CreateScanner))
async def create_scanner(
    caller: AuthenticatedCaller,
    resources: AppResources,
    body: Annotated[CreateScanner, Depends(JsonBody(CreateScanner))],
    trail: AuditTrail,
    response: Response,
) -> Scanner:
    """Add a scanner to the catalogue. The workers of its pool must have the tool installed."""
    caller.require_everywhere(Role.ADMIN)
    check_scanner(body.spec)
    made = await resources.scanners.create(None, body.name, body.spec)
    await record(resources.ledger, trail, "scanner", after=made)
    response.headers["Location"] = f"{router.prefix}/{body.name}"
    response.headers["ETag"] = etag(made.version)
    return Scanner.of(made)


@router.get("/{name}", responses=documented(404))
async def get_scanner(name: ObjectName, _: AuthenticatedCaller, resources: AppResources, response: Response) -> Scanner:
    """One scanner and how it is run; its ``ETag`` is what a change of it must name."""
    stored = await resources.scanners.get(None, name)
    response.headers["ETag"] = etag(stored.version)
    return Scanner.of(stored)


@router.put("/{name}", responses=documented(404, 412, 413, 415, 428), openapi_extra=request_body(ReplaceScanner))
async def replace_scanner(
    name: ObjectName,
    caller: AuthenticatedCaller,
    resources: AppResources,
    expected: ExpectedVersion,
    body: Annotated[ReplaceScanner, Depends(JsonBody(ReplaceScanner))],
    trail: AuditTrail,
    response: Response,
) -> Scanner:
    """Replace the whole spec; it holds for scans that are submitted from now on.

    The built-in scanners are written again when the operator starts: to run one differently, make another of its
    family.
    """
    caller.require_everywhere(Role.ADMIN)
    check_scanner(body.spec)
    replaced = await resources.scanners.replace(None, name, body.spec, expected=expected)
    await record(resources.ledger, trail, "scanner", before=replaced.before, after=replaced.after)
    response.headers["ETag"] = etag(replaced.after.version)
    return Scanner.of(replaced.after)


@router.delete("/{name}", status_code=204, responses=documented(404, 412, 428))
async def delete_scanner(
    name: ObjectName,
    caller: AuthenticatedCaller,
    resources: AppResources,
    expected: ExpectedVersion,
    trail: AuditTrail,
) -> Response:
    """Take a scanner out of the catalogue; what is planned already still runs. A built-in one comes back."""
    caller.require_everywhere(Role.ADMIN)
    deleted = await resources.scanners.delete(None, name, expected=expected)
    await record(resources.ledger, trail, "scanner", before=deleted)
    return Response(status_code=204)
