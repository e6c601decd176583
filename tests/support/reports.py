"""Reports for parser tests: samples of real scanners, recordings of our own, and a short way to parse bytes."""

import io
import json
from pathlib import Path
from typing import Any

from secapi_core.crds.scanner import OutputFormat
from secapi_core.errors import JobFailed
from secapi_core.findings import Finding, Quarantined
from secapi_workers.parsers.bounds import ParseLimits
from secapi_workers.parsers.registry import parser_for

DATA = Path(__file__).parents[1] / "data"
SAMPLES = DATA / "samples"
RECORDED = DATA / "recorded"
EXPECTED: dict[str, dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))

FORMATS = {
    "bandit": OutputFormat.BANDIT_JSON,
    "detect_secrets": OutputFormat.DETECT_SECRETS_JSON,
    "nmap": OutputFormat.NMAP_XML,
    "sarif": OutputFormat.SARIF,
    "semgrep": OutputFormat.SEMGREP_JSON,
    "ssh_audit": OutputFormat.SSH_AUDIT_JSON,
    "sslyze": OutputFormat.SSLYZE_JSON,
}
"""Format of the samples by their folder."""

UNSUPPORTED = {"sslyze/report_one_target_one_vuln.xml"}
"""The XML of SSLyze 1 and 2."""


def parse(output_format: OutputFormat, report: bytes | str | Path, **limits: int) -> list[Finding | Quarantined]:
    """Everything a report of that format gives, bad entries included."""
    if isinstance(report, Path):
        report = report.read_bytes()
    data = report.encode() if isinstance(report, str) else report
    return list(parser_for(output_format)(io.BytesIO(data), ParseLimits(**limits)))


def findings(output_format: OutputFormat, report: bytes | str | Path, **limits: int) -> list[Finding]:
    """The findings of a report."""
    return [item for item in parse(output_format, report, **limits) if isinstance(item, Finding)]


def quarantined(output_format: OutputFormat, report: bytes | str | Path, **limits: int) -> list[Quarantined]:
    """The entries of a report that could not become findings."""
    return [item for item in parse(output_format, report, **limits) if isinstance(item, Quarantined)]


def failure(output_format: OutputFormat, report: bytes | str | Path, **limits: int) -> JobFailed:
    """The error that a report gives; fails the test if it gives none."""
    try:
        given = parse(output_format, report, **limits)
    except JobFailed as error:
        return error
    raise AssertionError(f"no JobFailed but {len(given)} items: {given[:3]}")


def supported_samples() -> list[str]:
    """Every sample that a parser of ours reads, as ``<folder>/<file>``."""
    return [name for name in EXPECTED if name not in UNSUPPORTED]


def sample(name: str) -> tuple[OutputFormat, Path]:
    """Format and path of a sample."""
    return FORMATS[name.partition("/")[0]], SAMPLES / name
