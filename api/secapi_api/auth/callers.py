"""A caller and the roles it has. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from secapi_api.errors import Forbidden


class Role(StrEnum):
    """What somebody may do in a namespace; each role may do what those before it may."""

    VIEWER = "viewer"
    """Read."""

    OPERATOR = "operator"
    """Submit, cancel and delete scans; upload artifacts."""

    TRIAGER = "triager"
    """Judge findings."""

    ADMIN = "admin"
    """Manage the namespace's keys, policies and schedules."""

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what ``other`` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated program or person. ``namespace`` is None for a platform key, whose role holds everywhere."""

    id: str
    name: str
    namespace: str | None
    role: Role

    @property
    def namespaces(self) -> list[str] | None:
        """The predicate of every query made for this caller; None is every namespace."""
        return None if self.namespace is None else [self.namespace]

    def require(self, role: Role, namespace: str) -> None:
        """For a namespace that the request names: Forbidden, whether or not the namespace exists."""
        if self.namespace not in (None, namespace):
            raise Forbidden(f"this key has no role in namespace {namespace!r}")
        if not self.role.includes(role):
            raise Forbidden(f"this needs the role {role} in namespace {namespace!r}; this key has {self.role}")
