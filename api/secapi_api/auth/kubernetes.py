"""Callers that Kubernetes knows: a TokenReview says who they are, SubjectAccessReviews what they may do.

There are no rights of our own for them: who may create ScanRequests with kubectl in a namespace may do so over REST.
Answers are kept for seconds, one question at a time for each, so a revoked token or binding soon stops working.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cachetools import TTLCache

from secapi_api.auth.callers import Caller, Role
from secapi_api.kube.client import KubernetesClient
from secapi_core.crds.base import GROUP

T = TypeVar("T")

_KEPT_SECONDS = 10.0
_KEPT_ANSWERS = 10_000
_EVERYWHERE = ""
_SERVICE_ACCOUNT = "system:serviceaccount:"

RIGHTS = {
    Role.ADMIN: ("update", "scanpolicies"),
    Role.TRIAGER: ("update", "findings"),
    Role.OPERATOR: ("create", "scanrequests"),
    Role.VIEWER: ("get", "scanrequests"),
}
"""Whoever may do this in a namespace has the role there; ``findings`` exist for this question only."""


@dataclass(frozen=True, slots=True)
class KubernetesUser:
    """Whom a token belongs to; ``extra`` is passed on to the authorizer as it came."""

    username: str
    groups: tuple[str, ...]
    extra: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def home(self) -> str | None:
        """A service account's namespace."""
        if not self.username.startswith(_SERVICE_ACCOUNT):
            return None
        return self.username.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesCaller(Caller):
    """A caller whose roles were asked of Kubernetes, and can be for further namespaces."""

    user: KubernetesUser


class KubernetesTokens:
    """Tokens made for ``audience``, e.g. by ``kubectl create token --audience`` or a projected volume."""

    def __init__(self, client: KubernetesClient, audience: str) -> None:
        """Ask through ``client``."""
        self._client = client
        self._audience = audience
        self._answers: TTLCache[Hashable, asyncio.Task[Any]] = TTLCache(_KEPT_ANSWERS, _KEPT_SECONDS)

    async def caller(self, token: str, named: Collection[str]) -> Caller | None:
        """Who the token belongs to, with their roles in their own namespace, in those ``named``, and everywhere.

        ``None`` if the cluster did not make it for us. Raises KubernetesUnavailable.
        """
        digest = hashlib.sha256(token.encode()).digest()
        user = await self._once(digest, lambda: self._review(token))
        if user is None:
            return None
        asked = list({*named, user.home or _EVERYWHERE, _EVERYWHERE})
        found = zip(asked, await asyncio.gather(*(self._role(user, namespace) for namespace in asked)), strict=True)
        roles = {namespace: role for namespace, role in found if role is not None}
        everywhere = roles.pop(_EVERYWHERE, None)
        return KubernetesCaller(_identity(user), user.username, roles, everywhere, user=user)

    async def in_namespace(self, caller: Caller, namespace: str) -> Caller:
        """The caller with its role in one more namespace; others than Kubernetes' have all of theirs already."""
        if not isinstance(caller, KubernetesCaller) or namespace in caller.roles:
            return caller
        role = await self._role(caller.user, namespace)
        return caller if role is None else replace(caller, roles={**caller.roles, namespace: role})

    async def _review(self, token: str) -> KubernetesUser | None:
        status = await self._ask("authentication", "TokenReview", {"token": token, "audiences": [self._audience]})
        if not status.get("authenticated") or self._audience not in status.get("audiences", ()):
            return None
        user = status["user"]
        extra = tuple((name, tuple(values)) for name, values in (user.get("extra") or {}).items())
        return KubernetesUser(user["username"], tuple(user.get("groups") or ()), extra)

    async def _role(self, user: KubernetesUser, namespace: str) -> Role | None:
        """The highest role whose right the user has in ``namespace``, or in all of them."""
        allowed = await asyncio.gather(*(self._allowed(user, namespace, *right) for right in RIGHTS.values()))
        return next((role for role, may in zip(RIGHTS, allowed, strict=True) if may), None)

    async def _allowed(self, user: KubernetesUser, namespace: str, verb: str, resource: str) -> bool:
        attributes = {"group": GROUP, "resource": resource, "verb": verb, "namespace": namespace}
        spec = {
            "user": user.username,
            "groups": list(user.groups),
            "extra": {name: list(values) for name, values in user.extra},
            "resourceAttributes": attributes,
        }

        async def ask() -> bool:
            return bool((await self._ask("authorization", "SubjectAccessReview", spec)).get("allowed"))

        return await self._once((user, namespace, verb, resource), ask)

    async def _ask(self, api: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        version = f"{api}.k8s.io/v1"
        body = {"apiVersion": version, "kind": kind, "spec": spec}
        answer = await self._client.request("POST", f"/apis/{version}/{kind.lower()}s", kind=kind, body=body)
        status: dict[str, Any] = answer.get("status") or {}
        return status

    async def _once(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer of the last seconds, or a new one that all who ask meanwhile share."""
        task = self._answers.get(question)
        if task is None:
            task = self._answers[question] = asyncio.ensure_future(ask())
            task.add_done_callback(lambda done: self._settled(question, done))
        # Shielded: whoever asked first may go away.
        answer: T = await asyncio.shield(task)
        return answer

    def _settled(self, question: Hashable, task: asyncio.Task[Any]) -> None:
        """What could not be answered is asked again."""
        if (task.cancelled() or task.exception()) and self._answers.get(question) is task:
            del self._answers[question]


def _identity(user: KubernetesUser) -> str:
    if user.home is not None:
        return f"serviceaccount:{user.username.removeprefix(_SERVICE_ACCOUNT)}"
    return f"kubernetes:{user.username}"
