"""Semgrep's JSON report (``semgrep scan --json``, 0.x to 1.x), and pages of its Supply Chain API (``vulns``).

Severity: CRITICAL, HIGH, MEDIUM and LOW as they are; of the older words ERROR is high, WARNING medium, INFO low, as
Semgrep's own documentation equates them. Without an account Semgrep withholds code and fingerprints ("requires login"):
then the anchor stays empty, for ``placement`` to fill from the source.

``errors`` of level ``error`` when no file was scanned mean that the run failed. Otherwise errors name files or rules
that were skipped in part; the first hundred are quarantined, so a person sees what was not scanned.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import Confidence, Finding, Location, Quarantined, Severity
from secapi_workers.parsers.bounds import ParseLimits, bounded, invalid
from secapi_workers.parsers.fields import (
    converted,
    cves,
    cwes,
    details,
    folded,
    integer,
    items,
    required,
    sub,
    text,
    texts,
)
from secapi_workers.parsers.json_stream import JsonEntries

_SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "ERROR": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "WARNING": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "INFO": Severity.LOW,
}
_CONFIDENCES = {"HIGH": Confidence.HIGH, "MEDIUM": Confidence.MEDIUM, "LOW": Confidence.LOW}
_WITHHELD = "requires login"
_ERRORS_KEPT = 100


@bounded
def parse(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
    """Findings of a Semgrep report."""
    entries = JsonEntries(stream, limits, "results.item", "errors.item", "paths.scanned.item", "vulns.item")
    fatal, scanned = "", False
    for entry in entries:
        if entry.path == "results.item":
            scanned = True
            yield converted(entry.value, entry.position, _finding)
        elif entry.path == "vulns.item":
            yield converted(entry.value, entry.position, _dependency)
        elif entry.path == "paths.scanned.item":
            scanned = True
        else:
            level, problem = _error(entry.value)
            fatal = fatal or (problem if level == "error" else "")
            if entry.position < _ERRORS_KEPT:
                yield Quarantined(entry.position, f"semgrep {level}: {problem}", "")
    if not entries.has("results") and not entries.has("vulns"):
        raise invalid("the report is not a Semgrep report: it has neither 'results' nor 'vulns'")
    if fatal and not scanned:
        raise JobFailed(FailureReason.SCANNER_FAILED, f"semgrep scanned nothing: {fatal}")


def _finding(result: dict[str, Any]) -> Finding:
    extra, rule = sub(result, "extra"), required(result, "check_id")
    metadata = sub(extra, "metadata")
    message = text(extra, "message")
    return Finding(
        rule=rule,
        title=text(metadata, "title", "shortDescription") or _first_sentence(message) or rule,
        severity=_SEVERITIES.get(text(extra, "severity").upper(), Severity.INFO),
        confidence=_CONFIDENCES.get(text(metadata, "confidence").upper()),
        location=Location(
            path=required(result, "path"),
            start_line=integer(sub(result, "start"), "line"),
            end_line=integer(sub(result, "end"), "line"),
        ),
        anchor=_anchor(extra),
        description=message,
        remediation=text(extra, "fix") and f"Replace by: {text(extra, 'fix')}",
        cwes=cwes(items(metadata, "cwe")),
        vulnerability_ids=cves(text(metadata, "cve"), text(metadata, "sca-vuln-database-identifier")),
        references=tuple(
            texts(metadata, "references") + texts(metadata, "source") + texts(metadata, "source-rule-url")
        ),
        details=details(
            owasp=metadata.get("owasp"),
            category=metadata.get("category"),
            column=sub(result, "start").get("col"),
            code=None if text(extra, "lines") == _WITHHELD else extra.get("lines"),
            ignored=extra.get("is_ignored") or None,
        ),
    )


def _anchor(extra: dict[str, Any]) -> str:
    """The code, else Semgrep's fingerprint (which has the rule's number in the file at its end), else nothing."""
    for key in ("lines", "fingerprint"):
        value = text(extra, key)
        if value and value != _WITHHELD:
            return folded(value)
    return ""


def _first_sentence(message: str) -> str:
    return folded(message).partition(". ")[0].rstrip(".")


def _error(value: object) -> tuple[str, str]:
    """Level and text of an entry of ``errors``, whatever version of Semgrep wrote it."""
    entry = value if isinstance(value, dict) else {}
    problem = text(entry, "message", "long_msg", "short_msg", "type") or "unknown problem"
    return text(entry, "level") or "error", folded(problem)


def _dependency(vulnerability: dict[str, Any]) -> Finding:
    """A vulnerable dependency, as Semgrep's Supply Chain API lists them."""
    advisory = sub(vulnerability, "advisory")
    references, place = sub(advisory, "references"), sub(vulnerability, "dependencyFileLocation")
    dependency = sub(vulnerability, "matchedDependency")
    fixed = sub(vulnerability, "closestSafeDependency")
    package = text(dependency, "name")
    return Finding(
        rule=required(advisory, "ruleId"),
        title=text(vulnerability, "title") or text(advisory, "title"),
        severity=_SEVERITIES.get(text(advisory, "severity").upper(), Severity.INFO),
        location=Location(path=text(place, "path"), start_line=integer(place, "startLine")),
        anchor=package,
        description=text(advisory, "description"),
        remediation=f"Update {package} to {text(fixed, 'versionSpecifier')}" if text(fixed, "versionSpecifier") else "",
        cwes=cwes(items(references, "cweIds")),
        vulnerability_ids=cves(*texts(references, "cveIds")),
        references=tuple(texts(references, "urls")),
        details=details(
            package=package,
            version=dependency.get("versionSpecifier"),
            ecosystem=advisory.get("ecosystem"),
            exposure=vulnerability.get("exposureType"),
            triage=sub(vulnerability, "triage").get("status"),
        ),
    )
