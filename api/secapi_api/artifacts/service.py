"""Decisions about artifacts."""

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers

from secapi_api.artifacts.schemas import Artifact
from secapi_api.auth.callers import Caller
from secapi_api.errors import FieldError, InvalidRequest, NotFound, UnsupportedMediaType
from secapi_core.ledger.queries.artifacts import get_artifact


def own_namespace(caller: Caller, named: str | None) -> str:
    """The namespace that is meant: the one named, else the only one the caller has."""
    namespace = named or caller.home
    if namespace is None:
        missing = FieldError("/query/namespace", "you have a role in more than one namespace: name one")
        raise InvalidRequest("say which namespace the artifact belongs to", errors=[missing])
    return namespace


def require_plain_bytes(headers: Headers) -> None:
    """Refuse an encoded body: its digest would not be that of the archive inside."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("send the archive itself, without Content-Encoding")
    if headers.get("content-type", "").lower().startswith("multipart/"):
        raise UnsupportedMediaType("send the archive itself as the body, not as a form")


async def known_artifact(session: AsyncSession, namespace: str, digest: str) -> Artifact:
    """The artifact, if it was uploaded to this namespace."""
    artifact = await get_artifact(session, namespace, digest)
    if artifact is None:
        raise NotFound(f"namespace {namespace!r} has no artifact {digest}")
    return Artifact.of(artifact)
