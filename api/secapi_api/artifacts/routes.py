"""``/v1/artifacts``: uploading what is to be scanned, and what has been."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from secapi_api.artifacts.digests import announced_digest
from secapi_api.artifacts.schemas import Artifact, ArtifactQuery
from secapi_api.artifacts.service import known_artifact, own_namespace, require_plain_bytes
from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.errors import FieldError, InvalidRequest
from secapi_api.problems import documented
from secapi_api.schemas import Namespace, Page
from secapi_core.crds.values import Digest
from secapi_core.ledger.queries import artifacts
from secapi_core.ledger.transitions.artifacts import record_artifact

router = APIRouter(prefix="/v1/artifacts", tags=["artifacts"], responses=documented(401, 403, 422, 503))

InNamespace = Annotated[Namespace | None, Query(description="Needed with a platform key; else the key's own.")]
Wanted = Annotated[ArtifactQuery, Query()]
NamedDigest = Annotated[Digest, Path(json_schema_extra={"pattern": "^sha256:[0-9a-f]{64}$"})]
BINARY_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("", status_code=201, responses=documented(413, 415), openapi_extra=BINARY_BODY)
async def upload_artifact(
    caller: AuthenticatedCaller,
    resources: AppResources,
    trail: AuditTrail,
    request: Request,
    response: Response,
    namespace: InNamespace = None,
) -> Artifact:
    """Upload a tar or zip archive as the raw body; the answer's digest names it in scans.

    The same bytes again are the same artifact. ``Content-Digest: sha-256=:…:`` has them checked on arrival.
    """
    namespace = own_namespace(caller, namespace)
    caller.require(Role.OPERATOR, namespace)
    require_plain_bytes(request.headers)
    stored = await resources.artifacts.put(
        namespace,
        request.stream(),
        max_bytes=resources.settings.tuning.artifact_limit,
        expected_digest=announced_digest(request.headers),
    )
    if not stored.size:
        raise InvalidRequest("the body is empty", errors=[FieldError("", "send the archive as the body")])
    async with resources.ledger.transaction(caller) as session:
        await record_artifact(
            session,
            namespace=namespace,
            digest=stored.digest,
            size=stored.size,
            media_type=request.headers.get("content-type", "application/octet-stream")[:255],
            object_key=stored.key,
            uploaded_by=caller.id,
        )
        artifact = await known_artifact(session, namespace, stored.digest)
        after = {"size": artifact.size, "mediaType": artifact.media_type}
        await trail.record(session, "artifact", artifact.digest, namespace=namespace, after=after)
    response.headers["Location"] = f"/v1/artifacts/{stored.digest}?namespace={namespace}"
    return artifact


@router.get("")
async def list_artifacts(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[Artifact]:
    """Artifacts of one namespace or of all that the caller may see, newest first."""
    visible = caller.visible(wanted.namespace)
    async with resources.ledger.reading(caller) as session:
        page = await artifacts.list_artifacts(session, visible, wanted.cursor, wanted.limit)
    return Page(items=[Artifact.of(artifact) for artifact in page.items], next_cursor=page.next_cursor)


@router.get("/{digest}", responses=documented(404))
async def get_artifact(
    digest: NamedDigest, caller: AuthenticatedCaller, resources: AppResources, namespace: InNamespace = None
) -> Artifact:
    """What is known of an uploaded artifact."""
    namespace = own_namespace(caller, namespace)
    caller.require(Role.VIEWER, namespace)
    async with resources.ledger.reading(caller) as session:
        return await known_artifact(session, namespace, digest)
