"""``/v1/sessions``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from secapi_api.audit.trail import AuditTrail, Trail, trail_of
from secapi_api.auth.service import SessionCaller
from secapi_api.bodies import JsonBody, request_body
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.errors import NotFound, Unauthenticated
from secapi_api.ledger import SYSTEM
from secapi_api.problems import documented
from secapi_api.schemas import Page
from secapi_api.sessions import service
from secapi_api.sessions.cookies import clear_cookie, set_cookie
from secapi_api.sessions.schemas import BrowserSession, Identity, LogIn
from secapi_core.ledger.queries.users import known_user
from secapi_core.ledger.transitions.users import note_login

router = APIRouter(prefix="/v1/sessions", tags=["sessions"], responses=documented(401, 403, 503))

SessionId = Annotated[str, Path(alias="sessionId", max_length=64)]
Credentials = Annotated[LogIn, Depends(JsonBody(LogIn))]


@router.post("", status_code=201, responses=documented(413, 415, 422, 429), openapi_extra=request_body(LogIn))
async def create_session(resources: AppResources, request: Request, body: Credentials, response: Response) -> Identity:
    """Log in with a password. The session's secret is in a cookie that scripts cannot read."""
    proof = await service.proven_user(resources, request, body)
    async with resources.ledger.reading(SYSTEM) as session:
        user = await known_user(session, proof.user_id)
    if user is None:
        raise Unauthenticated("the address or the password is wrong")
    # It begins when the hash was read: should the password have changed since, the session is over already.
    begun, secret = await resources.sessions.begin(user.id, proof.read_at)
    caller = SessionCaller.of(user, begun)
    async with resources.ledger.transaction(SYSTEM) as session:
        await note_login(session, user.id)
        await trail_of(request, caller).record(session, "session", begun.id, namespace=None)
    set_cookie(response, secret, resources.sessions.expires_at(begun))
    return _identity(resources, caller)


@router.get("/current")
async def get_current_session(caller: AuthenticatedCaller, resources: AppResources) -> Identity:
    """Who calls and what they may do, whatever they call with."""
    return _identity(resources, caller)


@router.get("")
async def list_sessions(caller: AuthenticatedCaller, resources: AppResources) -> Page[BrowserSession]:
    """Where the caller is logged in, newest first, on one page; nowhere for programs."""
    if not isinstance(caller, SessionCaller):
        return Page(items=[], next_cursor=None)
    sessions = await resources.sessions.of_user(caller.session.user_id)
    items = [
        BrowserSession(
            id=session.id,
            current=session.id == caller.session.id,
            created_at=session.created_at,
            expires_at=resources.sessions.expires_at(session),
        )
        for session in sessions
    ]
    return Page(items=items, next_cursor=None)


@router.delete("/current", status_code=204)
async def end_current_session(caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail) -> Response:
    """Log out."""
    if isinstance(caller, SessionCaller):
        await _end(resources, caller, caller.session.id, trail)
    response = Response(status_code=204)
    clear_cookie(response)
    return response


@router.delete("/{sessionId}", status_code=204, responses=documented(404, 422))
async def end_session(
    session_id: SessionId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail
) -> Response:
    """Log out elsewhere: end another session of the caller's own."""
    if not isinstance(caller, SessionCaller) or not await _end(resources, caller, session_id, trail):
        raise NotFound(f"you have no session {session_id}")
    return Response(status_code=204)


async def _end(resources: AppResources, caller: SessionCaller, session_id: str, trail: Trail) -> bool:
    if not await resources.sessions.end(caller.session.user_id, session_id):
        return False
    async with resources.ledger.transaction(SYSTEM) as session:
        await trail.record(session, "session", session_id, namespace=None)
    return True


def _identity(resources: AppResources, caller: AuthenticatedCaller) -> Identity:
    if not isinstance(caller, SessionCaller):
        return Identity.of(caller)
    expires_at = resources.sessions.expires_at(caller.session)
    return Identity.of(caller, csrf_token=caller.session.csrf_token, expires_at=expires_at)
