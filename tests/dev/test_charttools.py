"""Programs for the chart are pinned, and told the version that is pinned."""

from pathlib import Path

import pytest

from secapi_dev.charttools.programs import HELM, PROGRAMS
from secapi_dev.gobuild.program import GoModule, GoProgram

GO_MOD = """\
module secapi.dev/example

tool example.test/tool/cmd/tool

require (
	example.test/tool v1.2.3 // indirect
	example.test/tool/plugin v9.9.9 // indirect
)
"""


@pytest.fixture
def module(tmp_path: Path) -> GoModule:
    (tmp_path / "go.mod").write_text(GO_MOD)
    (tmp_path / "go.sum").write_text("")
    return GoModule(tmp_path)


def test_a_modules_version_is_the_pinned_one(module: GoModule) -> None:
    assert module.version("example.test/tool") == "v1.2.3"


def test_another_pin_is_another_directory(module: GoModule) -> None:
    before = module.cache()
    (module.directory / "go.sum").write_text("example.test/tool v1.2.3 h1:other=\n")
    assert module.cache() != before


def test_a_program_is_stripped_and_told_its_version() -> None:
    assert HELM.linker_flags.startswith("-s -w -X helm.sh/helm/v4/internal/version.version=v4.")


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_every_program_is_a_tool_of_its_module(program: GoProgram) -> None:
    assert f"tool {program.package}\n" in (program.module.directory / "go.mod").read_text()
