"""A caller and the roles it has. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from secapi_api.auth.scopes import covers
from secapi_api.errors import Forbidden


class Role(StrEnum):
    """What somebody may do in a namespace; each role may do what those before it may."""

    VIEWER = "viewer"
    """Read."""

    OPERATOR = "operator"
    """Submit, cancel, rerun and delete scans; replay dead letters; upload artifacts."""

    TRIAGER = "triager"
    """Judge findings."""

    ADMIN = "admin"
    """Manage the namespace's keys, members, schedules and webhooks; purge dead letters. Everywhere: also users,
    policies and scanners, which say what every namespace may scan and what is run (docs/decisions/0014)."""

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what ``other`` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated program or person, with a role for each namespace that it has one in.

    ``everywhere`` is the role that holds in every namespace; ``admin`` there is the platform's administrator.
    """

    id: str
    """What kind of identity it is and which: ``key:…``, ``user:…``, ``serviceaccount:…``."""

    name: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    everywhere: Role | None = None
    scopes: Collection[str] | None = None
    """What the credential is good for; None is everything that the roles allow."""

    @property
    def namespaces(self) -> list[str] | None:
        """The predicate of every query made for this caller; None is every namespace."""
        return None if self.everywhere is not None else list(self.roles)

    @property
    def home(self) -> str | None:
        """The namespace that is meant when none is named: the only one there is for this caller."""
        return next(iter(self.roles)) if self.everywhere is None and len(self.roles) == 1 else None

    def role_in(self, namespace: str) -> Role | None:
        """The highest role there, if it has any."""
        ranks = list(Role)
        held = [role for role in (self.everywhere, self.roles.get(namespace)) if role is not None]
        return max(held, key=ranks.index, default=None)

    def visible(self, named: str | None) -> list[str] | None:
        """The predicate of a list: of the namespace that the request names, else of all that the caller may see.

        Raises Forbidden as :meth:`require` does.
        """
        if named is None:
            return self.namespaces
        self.require(Role.VIEWER, named)
        return [named]

    def require(self, role: Role, namespace: str | None) -> None:
        """For a namespace that the request names: Forbidden, whether or not the namespace exists. None: everywhere."""
        if namespace is None:
            self.require_everywhere(role)
            return
        held = self.role_in(namespace)
        if held is None:
            raise Forbidden(f"{self.name!r} has no role in namespace {namespace!r}")
        if not held.includes(role):
            raise Forbidden(
                f"this needs the role {role} in namespace {namespace!r}; {self.name!r} has the role {held} there"
            )

    def require_everywhere(self, role: Role) -> None:
        """For what belongs to no namespace, or to all of them."""
        if self.everywhere is None or not self.everywhere.includes(role):
            raise Forbidden(f"this needs the role {role} for the whole platform, which {self.name!r} does not have")

    def require_scope(self, *scopes: str) -> None:
        """For what the credential itself must be good for, whatever its owner may do."""
        for scope in scopes:
            if self.scopes is not None and not covers(self.scopes, scope):
                raise Forbidden(f"this credential does not have the scope {scope}")
