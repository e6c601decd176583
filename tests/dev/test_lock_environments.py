"""What an image or a user installs is all that its component needs; the tests' own environment has everybody's."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest

from secapi_dev import paths

UV = paths.CHECKOUT / ".uv" / "bin" / "uv"

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""
# Kombu loads a transport by the address it connects to.
LOAD_TRANSPORT = """
import kombu
kombu.Connection("redis://127.0.0.1:1/0").transport
"""


COMPONENTS = ["api", "client", "migrations", "operator", "workers"]


@pytest.fixture(scope="module")
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The interpreter of an environment made of one component's lock, without SecAPI itself."""
    home = tmp_path_factory.mktemp(request.param) / "environment"
    lock = paths.CHECKOUT / "requirements" / f"{request.param}.lock"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, home], check=True)
    python = home / "bin" / "python"
    subprocess.run([UV, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock], check=True)
    yield python
    rmtree(home)


def run(python: Path, program: str, *arguments: str) -> None:
    sources = ":".join(str(paths.CHECKOUT / folder) for folder in ("core", *COMPONENTS))
    finished = subprocess.run(
        [python, "-c", program, *arguments], env={"PYTHONPATH": sources}, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize(("python", "package"), [(name, f"secapi_{name}") for name in COMPONENTS], indirect=["python"])
def test_a_components_modules_find_what_they_import(python: Path, package: str) -> None:
    run(python, IMPORT_ALL, package)


@pytest.mark.parametrize("python", ["operator", "workers"], indirect=True)
def test_messages_find_their_transport(python: Path) -> None:
    run(python, LOAD_TRANSPORT)
