"""Running real scanners in tests, as their catalogue entries say, in a scrubbed environment."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from secapi_core.argv import Paths, build_argv, target_fields
from secapi_core.crds.scanrequest import Target
from secapi_core.findings import Finding, Quarantined
from secapi_core.parameters import complete_parameters
from secapi_dev import tools
from secapi_workers.catalogue import RULES, built_in
from secapi_workers.parsers.bounds import ParseLimits
from secapi_workers.parsers.placement import Placement, placed
from secapi_workers.parsers.registry import parser_for

ARTIFACT: dict[str, Any] = {"artifact": {"digest": f"sha256:{'0' * 64}"}}
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def path_variable() -> str:
    """PATH for scanners: the installed tools, then the system."""
    return f"{tools.directory() / 'bin'}:{SYSTEM_PATH}"


def require(command: str) -> str:
    """The path of a scanner's program. Without nmap, which is the system's, the test is skipped; else it fails."""
    found = shutil.which(command, path=path_variable())
    if found is None and command in tools.SYSTEM_TOOLS:
        pytest.skip(f"{command} is not installed")
    assert found, f"{command} is not installed; run: secapi-dev tools"
    return found


def environment(home: Path) -> dict[str, str]:
    """Nothing of this process's environment but the PATH of tools."""
    return {"PATH": path_variable(), "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"}


def scan(
    scanner: str, target: dict[str, Any], tmp_path: Path, source: Path | None = None, **parameters: Any
) -> list[Finding | Quarantined]:
    """Run the scanner on ``source`` or on a target of 127.0.0.1 and parse what it reports."""
    spec = built_in(testing=True)[scanner].spec
    require(spec.command)
    report, home = tmp_path / "report", tmp_path / "home"
    home.mkdir(exist_ok=True)
    paths = Paths(source=str(source or ""), output=str(report), workdir=str(home), rules=str(RULES))
    complete = complete_parameters(scanner, spec.parameters_schema, parameters, "")
    argv = build_argv(spec, complete, target_fields(Target.model_validate(target), "127.0.0.1"), paths)
    done = subprocess.run(
        argv, cwd=home, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True, timeout=110, check=False
    )
    assert done.returncode in spec.exit_codes.success, done.stderr.decode(errors="replace")
    data = done.stdout if spec.output.source == "stdout" else report.read_bytes()
    items = parser_for(spec.output.format)(io.BytesIO(data), ParseLimits())
    return list(placed(items, Placement(source=source)))
