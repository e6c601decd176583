"""Roles and namespaces."""

import pytest

from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import Forbidden


@pytest.mark.parametrize(("role", "allowed"), [("viewer", 1), ("operator", 2), ("triager", 3), ("admin", 4)])
def test_each_role_includes_those_before_it(role: str, allowed: int) -> None:
    assert sum(Role(role).includes(other) for other in Role) == allowed


def test_a_platform_key_has_its_role_everywhere() -> None:
    Caller("key:1", "ci", None, Role.OPERATOR).require(Role.OPERATOR, "any")


def test_a_key_may_do_nothing_in_another_namespace() -> None:
    with pytest.raises(Forbidden):
        Caller("key:1", "ci", "team-a", Role.ADMIN).require(Role.VIEWER, "team-b")


def test_a_role_too_low_is_named() -> None:
    with pytest.raises(Forbidden, match="needs the role operator"):
        Caller("key:1", "ci", "team-a", Role.VIEWER).require(Role.OPERATOR, "team-a")
