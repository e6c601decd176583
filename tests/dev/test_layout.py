"""The shape of the tree that imports depend on (docs/decisions/0001)."""

import operator
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ("api", "client", "core", "dev", "operator", "workers")


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_folder_holds_exactly_one_package_and_no_loose_module(component: str) -> None:
    entries = {p.name for p in (ROOT / component).iterdir() if p.name != "__pycache__"}
    assert entries == {f"secapi_{component}"}


def test_no_test_folder_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_the_operator_folder_does_not_shadow_the_standard_library() -> None:
    assert Path(operator.__file__).is_relative_to(sysconfig.get_path("stdlib"))
