"""The scanner that scans nothing does what its parameters say."""

import subprocess
import sys
from pathlib import Path

from reports import findings
from secapi_core.argv import Paths, build_argv
from secapi_core.crds.scanner import OutputFormat
from secapi_core.parameters import complete_parameters
from secapi_workers.catalogue import built_in


def run(report: Path, **parameters: object) -> subprocess.CompletedProcess[bytes]:
    """Run it as a worker would, with the argv of its catalogue entry."""
    spec = built_in(testing=True)["noop"].spec
    complete = complete_parameters("noop", spec.parameters_schema, parameters, "")
    argv = build_argv(spec, complete, {}, Paths(output=str(report), workdir=str(report.parent), rules="/rules"))
    return subprocess.run(
        [sys.executable, "-m", "secapi_workers.noop", *argv[1:]], capture_output=True, timeout=30, check=False
    )


def test_it_reports_as_many_findings_as_asked_for_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run(tmp_path / name, findings=250).returncode == 0

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert len(findings(OutputFormat.SARIF, tmp_path / "one")) == 250


def test_another_label_gives_other_findings(tmp_path: Path) -> None:
    run(tmp_path / "report", findings=2, label="other")
    assert [finding.rule for finding in findings(OutputFormat.SARIF, tmp_path / "report")] == ["other-0", "other-1"]


def test_no_findings_are_a_clean_report(tmp_path: Path) -> None:
    run(tmp_path / "report", findings=0)
    assert findings(OutputFormat.SARIF, tmp_path / "report") == []


def test_its_exit_status_and_output_are_as_asked_for(tmp_path: Path) -> None:
    result = run(tmp_path / "report", exitCode=42, floodMib=2)

    assert result.returncode == 42
    assert len(result.stdout) == 2 * 1024 * 1024 // 5 * 5
