"""``/v1/scans``."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, Path, Query, Response

from secapi_api.artifacts.schemas import Artifact
from secapi_api.audit.trail import AuditTrail, Trail
from secapi_api.auth.callers import Role
from secapi_api.bodies import JsonBody, request_body
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.errors import LedgerUnavailable
from secapi_api.findings.schemas import ScanFinding
from secapi_api.ledger import Within
from secapi_api.problems import documented
from secapi_api.resources import Resources
from secapi_api.scans import service
from secapi_api.scans.parameters import FindingQuery, ScanQuery
from secapi_api.scans.schemas import CreateScan, RerunScan, Scan, ScanJob, ScanSummary, SubmittedScan
from secapi_api.scans.submission import Submission
from secapi_api.schemas import Page
from secapi_core.ledger.queries import artifacts, findings, jobs, scans
from secapi_core.ledger.transitions.cancel import cancel_scan as cancel_in_ledger
from secapi_core.ledger.transitions.delete import delete_scan as hide_in_ledger

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/scans", tags=["scans"], responses=documented(401, 403, 422, 503))

ScanId = Annotated[UUID, Path(alias="scanId", description="Also `metadata.uid` of the ScanRequest.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key with the same body gives the same scan, however often it is sent.",
    ),
]


@router.post("", status_code=202, responses=documented(409, 413, 415, 429), openapi_extra=request_body(CreateScan))
async def create_scan(
    caller: AuthenticatedCaller,
    resources: AppResources,
    body: Annotated[CreateScan, Depends(JsonBody(CreateScan))],
    trail: AuditTrail,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> SubmittedScan:
    """Submit a scan. What can be known to be wrong with it is refused here; what is accepted comes to an end."""
    caller = await resources.authenticator.in_namespace(caller, body.namespace)
    caller.require(Role.OPERATOR, body.namespace)
    answer = await _submit(resources, Submission.of(body, caller, idempotency_key), trail)
    response.headers["Location"] = answer.links.self
    return answer


@router.get("")
async def list_scans(
    caller: AuthenticatedCaller, resources: AppResources, wanted: Annotated[ScanQuery, Query()]
) -> Page[ScanSummary]:
    """Scans of one namespace or of all that the caller may see, newest first."""
    visible = caller.visible(wanted.namespace)
    async with resources.ledger.reading(caller) as session:
        page = await scans.list_scans(session, wanted.filter(visible), wanted.cursor, wanted.limit)
    return Page(items=[ScanSummary.brief(scan) for scan in page.items], next_cursor=page.next_cursor)


@router.get("/{scanId}", responses=documented(404) | {200: {"model": Scan}})
async def get_scan(
    scan_id: ScanId, caller: AuthenticatedCaller, resources: AppResources, response: Response
) -> Response:
    """One scan."""
    # The same, for callers who were here a moment ago, is answered by ``hot_path`` before it comes here.
    answer = await resources.scan_reads.shown(scan_id, caller)
    return Response(answer, headers=dict(response.headers), media_type="application/json")


@router.get("/{scanId}/jobs", responses=documented(404))
async def list_scan_jobs(scan_id: ScanId, caller: AuthenticatedCaller, resources: AppResources) -> Page[ScanJob]:
    """The scan's jobs in the order of its plan, on one page; none before it is planned."""
    async with resources.ledger.reading(caller) as session:
        await service.visible_scan(session, scan_id, caller)
        found = await jobs.list_jobs(session, scan_id)
    return Page(items=[ScanJob.of(job) for job in found], next_cursor=None)


@router.get("/{scanId}/artifacts", responses=documented(404))
async def list_scan_artifacts(scan_id: ScanId, caller: AuthenticatedCaller, resources: AppResources) -> Page[Artifact]:
    """The uploaded artifacts among the scan's targets, in the order in which it names them, on one page."""
    async with resources.ledger.reading(caller) as session:
        scan = await service.visible_scan(session, scan_id, caller)
        found = await artifacts.get_artifacts(session, scan.namespace, service.artifact_digests(scan))
    return Page(items=[Artifact.of(artifact) for artifact in found], next_cursor=None)


@router.get("/{scanId}/findings", responses=documented(404))
async def list_scan_findings(
    scan_id: ScanId, caller: AuthenticatedCaller, resources: AppResources, wanted: Annotated[FindingQuery, Query()]
) -> Page[ScanFinding]:
    """What the scan found so far, worst first."""
    async with resources.ledger.reading(caller) as session:
        await service.visible_scan(session, scan_id, caller)
        page = await findings.list_scan_findings(
            session,
            scan_id,
            severities=wanted.severity or None,
            scanner=wanted.scanner,
            only_new=wanted.only_new,
            cursor=wanted.cursor,
            limit=wanted.limit,
        )
    return Page(items=[ScanFinding.of(finding) for finding in page.items], next_cursor=page.next_cursor)


@router.post("/{scanId}/cancel", status_code=202, responses=documented(404))
async def cancel_scan(scan_id: ScanId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail) -> Scan:
    """Stop the scan: what has not begun ends at once, what runs within seconds. One that has ended stays as it is."""
    async with resources.ledger.transaction(caller) as session:
        scan = await service.visible_scan(session, scan_id, caller, Role.OPERATOR)
        if scan.state.terminal:
            return Scan.of(scan)
        # The ledger first: it is what stops the work. Whoever has to repeat the request finds both steps repeatable.
        await cancel_in_ledger(session, scan_id, service.cancelled_by(caller))
        before, scan = scan, await service.visible_scan(session, scan_id, caller)
        await service.record_end(trail, session, before, scan)
    await resources.scan_feed.changed(scan_id)
    await resources.scan_requests.cancel(scan.namespace, scan.name, scan.id)
    return Scan.of(scan)


@router.post("/{scanId}/rerun", status_code=202, responses=documented(404, 409, 429))
async def rerun_scan(
    scan_id: ScanId,
    caller: AuthenticatedCaller,
    resources: AppResources,
    trail: AuditTrail,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> RerunScan:
    """Submit what this scan was asked for as a new scan, under today's rules. This one stays as it is."""
    async with resources.ledger.reading(caller) as session:
        scan = await service.visible_scan(session, scan_id, caller, Role.OPERATOR)
    submission = Submission.of(service.repeated(scan), caller, idempotency_key, rerun_of=scan.id)
    answer = await _submit(resources, submission, trail, {"rerunOf": scan.id})
    response.headers["Location"] = answer.links.self
    return RerunScan(**dict(answer), rerun_of=scan.id)


@router.delete("/{scanId}", status_code=204, responses=documented(404) | {202: {"model": Scan}})
async def delete_scan(
    scan_id: ScanId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail
) -> Response:
    """Delete the ScanRequest and hide the scan; its findings stay.

    A scan that is still running is cancelled and answered with 202; delete it again once it has ended.
    """
    async with resources.ledger.reading(caller) as session:
        scan = await service.visible_scan(session, scan_id, caller, Role.OPERATOR)
    await resources.scan_requests.delete(scan.namespace, scan.name, scan.id)
    async with resources.ledger.transaction(caller) as session:
        await cancel_in_ledger(session, scan_id, service.deleted_by(caller))
        if await hide_in_ledger(session, scan_id):
            await service.record_end(trail, session, scan, None)
            return Response(status_code=204)
        before, scan = scan, await service.visible_scan(session, scan_id, caller)
        await service.record_end(trail, session, before, scan)
    await resources.scan_feed.changed(scan_id)
    return Response(Scan.of(scan).model_dump_json(by_alias=True), 202, media_type="application/json")


async def _submit(
    resources: Resources, submission: Submission, trail: Trail, origin: Mapping[str, UUID] | None = None
) -> SubmittedScan:
    """Accept the scan, enter it in the ledger, and record who asked for it and what it comes from."""
    accepted = await service.accept(resources, submission)
    try:
        async with resources.ledger.transaction(Within(submission.namespace)) as session:
            answer = await service.register(session, accepted)
            await service.record_submission(trail, session, submission, answer, origin)
    except LedgerUnavailable as error:
        # The ScanRequest exists, so the scan is accepted (promise P1); the operator enters it in the ledger.
        log.warning("scan accepted without the ledger", scan_id=str(accepted.request.id), cause=repr(error.__cause__))
        answer = accepted.answer()
        trail.unrecorded("scan", answer.id, namespace=answer.namespace)
    return answer
