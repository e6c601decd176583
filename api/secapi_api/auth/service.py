"""From a credential to a caller."""

from collections.abc import Collection
from dataclasses import dataclass

from secapi_api.auth.callers import Caller, Role
from secapi_api.auth.kubernetes import KubernetesTokens
from secapi_api.errors import Unauthenticated
from secapi_api.ledger import Ledger
from secapi_core.ledger.queries.api_keys import ApiKeyIdentity, verify_api_key

_CHALLENGE = 'Bearer realm="secapi", error="invalid_token"'


def invalid_credential(detail: str) -> Unauthenticated:
    """The answer to a credential that proves nobody (any more)."""
    return Unauthenticated(detail, headers={"WWW-Authenticate": _CHALLENGE})


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Knows every kind of bearer credential; one per process."""

    ledger: Ledger
    pepper: bytes
    kubernetes: KubernetesTokens

    async def caller(self, credential: str, named: Collection[str]) -> Caller:
        """Who ``credential`` belongs to; Unauthenticated for unknown, expired and revoked ones alike.

        ``named`` are the namespaces that the request is about, as far as its address tells.
        """
        if credential.count(".") == 2:
            caller = await self.kubernetes.caller(credential, named)
            if caller is None:
                raise invalid_credential("this token was not made for SecAPI by this cluster, or has expired")
            return caller
        async with self.ledger.reading() as session:
            identity = await verify_api_key(session, credential, self.pepper)
        if identity is None:
            raise invalid_credential("this API key is unknown, expired or revoked")
        return _key_caller(identity)

    async def in_namespace(self, caller: Caller, namespace: str) -> Caller:
        """The caller with the role it has in a namespace that only the request's body names."""
        return await self.kubernetes.in_namespace(caller, namespace)


def _key_caller(identity: ApiKeyIdentity) -> Caller:
    role, scopes = Role(identity.role), frozenset(identity.scopes) or None
    roles = {} if identity.namespace is None else {identity.namespace: role}
    everywhere = role if identity.namespace is None else None
    return Caller(f"key:{identity.id}", identity.name, roles, everywhere, scopes)
