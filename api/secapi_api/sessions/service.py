"""Decisions about logging in."""

import structlog
from fastapi import Request

from secapi_api.auth.passwords import verify_password
from secapi_api.clients import client_address, network
from secapi_api.errors import Unauthenticated
from secapi_api.ledger import SYSTEM
from secapi_api.rate_limits import RequestKind
from secapi_api.resources import Resources
from secapi_api.sessions.schemas import LogIn
from secapi_core.ledger.queries.users import PasswordHash, password_hash

log = structlog.get_logger(__name__)


async def proven_user(resources: Resources, request: Request, body: LogIn) -> PasswordHash:
    """Whose address and password these are. Raises Unauthenticated, after as long a time, whatever is wrong."""
    client = client_address(request)
    await resources.rate_limits.take(f"client:{network(client)}", RequestKind.CLIENT_LOGINS)
    await resources.rate_limits.take(f"address:{body.email}", RequestKind.LOGINS)
    async with resources.ledger.reading(SYSTEM) as session:
        found = await password_hash(session, body.email)
    proven = await verify_password(found.encoded if found else None, body.password.get_secret_value())
    if found is None or not proven:
        log.warning("login refused", client=client)
        raise Unauthenticated("the address or the password is wrong")
    return found
