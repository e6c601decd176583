"""What images and users install: the versions that were tested, everything a component needs, and nothing else."""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from secapi_dev import paths

LOCKS = paths.CHECKOUT / "requirements"
COMPONENTS = {
    "api": "api,errors,tracing",
    "client": "client",
    "migrations": "migrations",
    "operator": "operator,errors,tracing",
    "workers": "workers,errors,tracing",
}
"""Component → the extras that its image, or a user's machine, installs."""

_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+))? \\$", re.MULTILINE)


def pins(lock: Path, *, here: bool = False) -> dict[str, str]:
    """Name → version; only what is installed on this machine if ``here``."""
    matches = _PIN.finditer(lock.read_text())
    return {m["name"]: m["version"] for m in matches if not here or not m["marker"] or Marker(m["marker"]).evaluate()}


def needed(requirement: Requirement, extra: str = "", seen: set[str] | None = None) -> set[str]:
    """Names of all that ``requirement`` brings along on this machine, by the metadata of what is installed."""
    found = set() if seen is None else seen
    if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
        return found
    name = canonicalize_name(requirement.name)
    for wanted in ("", *requirement.extras):
        if f"{name}[{wanted}]" not in found:
            found.add(f"{name}[{wanted}]")
            for child in distribution(name).requires or []:
                needed(Requirement(child), wanted, found)
    return found


@pytest.mark.parametrize("lock", [*COMPONENTS, "build"])
def test_a_lock_has_the_versions_that_are_tested(lock: str) -> None:
    tested = pins(LOCKS / "dev.lock")
    locked = pins(LOCKS / f"{lock}.lock")

    assert locked
    assert locked == {name: tested.get(name) for name in locked}, "run make lock"


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_components_lock_has_exactly_what_its_extras_need(component: str) -> None:
    names = {entry.partition("[")[0] for entry in needed(Requirement(f"secapi[{COMPONENTS[component]}]"))}

    assert set(pins(LOCKS / f"{component}.lock", here=True)) == names - {"secapi"}


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.lock")), ids=lambda lock: lock.stem)
def test_a_lock_pins_with_hashes_and_names_no_index(lock: Path) -> None:
    text = lock.read_text()

    assert text.count("--hash=sha256:") >= len(pins(lock)) > 0
    assert "://" not in text
