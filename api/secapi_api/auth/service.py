"""From a credential to a caller."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from secapi_api.auth.callers import Caller, Role
from secapi_api.auth.challenges import invalid_credential
from secapi_api.auth.known import KnownCallers
from secapi_api.auth.kubernetes import KubernetesTokens
from secapi_api.auth.oidc import OidcTokens
from secapi_api.auth.unproven import UnprovenCredentials
from secapi_api.errors import Forbidden, Unauthenticated
from secapi_api.ledger import SYSTEM, Ledger
from secapi_api.sessions.store import Session, SessionStore
from secapi_api.users.admission import admitted
from secapi_core.ledger.queries.api_keys import ApiKeyIdentity, verify_api_key
from secapi_core.ledger.queries.users import KnownUser, known_user


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCaller(Caller):
    """A person in a browser."""

    session: Session

    @classmethod
    def of(cls, user: KnownUser, session: Session) -> Self:
        """With the roles that the user has now."""
        return cls(f"user:{user.id}", user.name, *_roles(user), session=session)

    def require_csrf_token(self, token: str | None) -> None:
        """For changes: browsers send cookies along with requests that other sites make them send."""
        if token is None or not hmac.compare_digest(token.encode(), self.session.csrf_token.encode()):
            raise Forbidden("send the session's csrfToken as X-CSRF-Token; GET /v1/sessions/current shows it")


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Knows every kind of credential; one per process."""

    ledger: Ledger
    pepper: bytes
    kubernetes: KubernetesTokens
    oidc: OidcTokens | None
    """``None`` where no provider is configured."""

    sessions: SessionStore
    known: KnownCallers
    """Where callers with API keys are remembered; nothing here asks it."""

    unproven: UnprovenCredentials
    """What limits how much may be asked about credentials that are made up."""

    async def caller(self, credential: str, named: Collection[str], *, client: str, request_id: str) -> Caller:
        """Who ``credential`` belongs to; Unauthenticated for unknown, expired and revoked ones alike.

        ``named`` are the namespaces that the request is about, as far as its address tells, and ``client`` is the
        network that it comes from. Raises RateLimited where too much was refused already.
        """
        return await self.unproven.ask(credential, client, lambda: self._owner(credential, named, request_id))

    async def _owner(self, credential: str, named: Collection[str], request_id: str) -> Caller:
        if self.oidc is not None and self.oidc.claims_to_be_ours(credential):
            user = await admitted(self.ledger, await self.oidc.identity(credential), request_id)
            return Caller(f"user:{user.id}", user.name, *_roles(user))
        if credential.count(".") == 2:
            caller = await self.kubernetes.caller(credential, named)
            if caller is None:
                raise invalid_credential("this token was not made for SecAPI by this cluster, or has expired")
            return caller
        # It notes when the key was used.
        async with self.ledger.transaction(SYSTEM) as session:
            identity = await verify_api_key(session, credential, self.pepper)
        if identity is None:
            raise invalid_credential("this API key is unknown, expired or revoked")
        caller = _key_caller(identity)
        self.known.remember(credential, caller, identity.seconds_left)
        return caller

    async def session_caller(self, secret: str) -> SessionCaller:
        """Whose session the cookie proves. Raises Unauthenticated, also if the user is no longer who they were.

        A cookie that is made up costs the ledger nothing; a session that is over is asked about once.
        """
        over = Unauthenticated("this session is over; log in again")
        session = await self.sessions.find(secret)
        if session is None:
            raise over
        async with self.ledger.reading(SYSTEM) as ledger:
            user = await known_user(ledger, session.user_id)
        if user is None or session.created_at < user.credentials_changed_at:
            await self.sessions.end(session.user_id, session.id)
            raise over
        return SessionCaller.of(user, session)

    async def in_namespace(self, caller: Caller, namespace: str) -> Caller:
        """The caller with the role it has in a namespace that only the request's body names."""
        return await self.kubernetes.in_namespace(caller, namespace)


def _roles(user: KnownUser) -> tuple[dict[str, Role], Role | None]:
    """By namespace, and everywhere."""
    roles = {namespace: Role(role) for namespace, role in user.roles.items()}
    return roles, Role(user.platform_role) if user.platform_role else None


def _key_caller(identity: ApiKeyIdentity) -> Caller:
    role, scopes = Role(identity.role), frozenset(identity.scopes) or None
    roles = {} if identity.namespace is None else {identity.namespace: role}
    everywhere = role if identity.namespace is None else None
    return Caller(f"key:{identity.id}", identity.name, roles, everywhere, scopes)
