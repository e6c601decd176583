"""The wheel that images install has what its commands need."""

import subprocess
import sys
import tomllib
import zipfile

import pytest

from secapi_dev import paths

MIGRATIONS = paths.CHECKOUT / "migrations"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the wheel's files."""
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory],
        cwd=paths.CHECKOUT,
        capture_output=True,
        check=True,
    )
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_command_has_its_module(files: set[str]) -> None:
    scripts = tomllib.loads((paths.CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {f"{entry.partition(':')[0].replace('.', '/')}.py" for entry in scripts.values()} <= files


def test_the_migrations_are_beside_the_command_that_runs_them(files: set[str]) -> None:
    scripts = [MIGRATIONS / "env.py", *(MIGRATIONS / "versions").glob("*.py")]
    assert {f"secapi_migrations/{script.relative_to(MIGRATIONS)}" for script in scripts} <= files


def test_the_script_of_the_documentation_is_beside_the_api(files: set[str]) -> None:
    assert "secapi_api/documentation/start.js" in files


def test_rules_and_catalogue_are_beside_the_workers(files: set[str]) -> None:
    workers = paths.CHECKOUT / "workers"
    assert {str(path.relative_to(workers)) for path in workers.rglob("*.yaml")} <= files
