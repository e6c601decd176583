"""Roles and namespaces."""

import pytest

from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import Forbidden


@pytest.mark.parametrize(("role", "allowed"), [("viewer", 1), ("operator", 2), ("triager", 3), ("admin", 4)])
def test_each_role_includes_those_before_it(role: str, allowed: int) -> None:
    assert sum(Role(role).includes(other) for other in Role) == allowed


def test_a_role_for_the_platform_holds_everywhere() -> None:
    caller = Caller("key:1", "ci", everywhere=Role.OPERATOR)
    caller.require(Role.OPERATOR, "any")
    caller.require_everywhere(Role.OPERATOR)
    assert caller.namespaces is None
    assert caller.home is None


def test_the_higher_of_two_roles_counts() -> None:
    caller = Caller("user:1", "alice", {"team-a": Role.ADMIN, "team-b": Role.VIEWER}, everywhere=Role.OPERATOR)
    assert [caller.role_in(namespace) for namespace in ("team-a", "team-b", "team-c")] == [
        Role.ADMIN,
        Role.OPERATOR,
        Role.OPERATOR,
    ]


def test_nothing_is_allowed_in_another_namespace() -> None:
    caller = Caller("key:1", "ci", {"team-a": Role.ADMIN})
    assert (caller.namespaces, caller.home) == (["team-a"], "team-a")
    with pytest.raises(Forbidden, match="no role in namespace 'team-b'"):
        caller.require(Role.VIEWER, "team-b")


def test_who_has_several_namespaces_has_to_name_one() -> None:
    assert Caller("user:1", "alice", {"team-a": Role.ADMIN, "team-b": Role.VIEWER}).home is None


def test_a_role_too_low_is_named() -> None:
    caller = Caller("key:1", "ci", {"team-a": Role.VIEWER}, everywhere=Role.VIEWER)
    with pytest.raises(Forbidden, match="needs the role operator"):
        caller.require(Role.OPERATOR, "team-a")
    with pytest.raises(Forbidden, match="needs the role operator for the whole platform"):
        caller.require_everywhere(Role.OPERATOR)


def test_an_admin_of_a_namespace_is_none_of_the_platform() -> None:
    with pytest.raises(Forbidden):
        Caller("key:1", "ci", {"team-a": Role.ADMIN}).require_everywhere(Role.VIEWER)
