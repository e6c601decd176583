"""From what an OpenID provider says to a user: found by issuer and subject, or made when first seen."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.auth.challenges import invalid_credential
from secapi_api.auth.oidc import ProvidedIdentity
from secapi_api.errors import Unauthenticated
from secapi_api.ledger import SYSTEM, Ledger
from secapi_api.users.service import image, known
from secapi_core.ledger.queries.users import KnownUser, known_subject, password_hash
from secapi_core.ledger.transitions.audit import NewAuditEvent, record_event
from secapi_core.ledger.transitions.users import create_user, link_user


async def admitted(ledger: Ledger, identity: ProvidedIdentity, request_id: str) -> KnownUser:
    """The user that ``identity`` is. Whoever is new needs an address that the provider has verified.

    Raises Unauthenticated, also for disabled users.
    """
    async with ledger.reading(SYSTEM) as session:
        user = await known_subject(session, identity.issuer, identity.subject)
    if user is not None:
        return user
    if identity.email is None:
        raise invalid_credential(
            "no user who is not disabled has this token's subject, and a new one needs an address: have the OpenID "
            "provider put email, and email_verified as true, into its tokens"
        )
    async with ledger.transaction(SYSTEM) as session:
        await _admit(session, identity, identity.email, request_id)
        # Also when another request with the same token was faster.
        user = await known_subject(session, identity.issuer, identity.subject)
        if user is None:
            raise await _not_admitted(session, identity.email)
    return user


async def _admit(session: AsyncSession, identity: ProvidedIdentity, email: str, request_id: str) -> None:
    """Make the user, or take the one that was made for the address and can be proven in no other way."""
    issuer, subject = identity.issuer, identity.subject
    made = await create_user(
        session,
        email=email,
        name=identity.name or email,
        password_hash=None,
        platform_role=None,
        issuer=issuer,
        subject=subject,
    )
    if made is not None:
        await _record(session, made, "createUser", request_id)
    elif (linked := await link_user(session, email=email, issuer=issuer, subject=subject)) is not None:
        await _record(session, linked, "changeUser", request_id)


async def _record(session: AsyncSession, user_id: UUID, action: str, request_id: str) -> None:
    """Users who admit themselves do what an administrator could have done, and it is called the same."""
    user = await known(session, user_id)
    before = image(replace(user, issuer=None, subject=None)) if action == "changeUser" else None
    await record_event(
        session,
        NewAuditEvent(
            actor=f"user:{user_id}",
            actor_name=user.name,
            action=action,
            kind="user",
            subject=str(user_id),
            namespace=None,
            request_id=request_id,
            before=before,
            after=image(user),
        ),
    )


async def _not_admitted(session: AsyncSession, email: str) -> Unauthenticated:
    if await password_hash(session, email) is not None:
        return invalid_credential(
            f"the user {email} logs in with a password: if it is the same person, an administrator has to take the "
            'password away (PATCH /v1/users/{userId} with {"password": null})'
        )
    return invalid_credential(
        f"this user is disabled, or {email} is the address of another subject: an administrator has to look at who "
        "has it (GET /v1/users), and enable them, give them the new identity (PATCH /v1/users/{userId}), or have the "
        "provider correct the address"
    )
