"""Bandit's JSON report (``bandit -f json``, 1.5 to 1.9): one finding per entry of ``results``.

Severity is Bandit's own: HIGH, MEDIUM and LOW as they are, UNDEFINED becomes info; likewise confidence. The anchor is
the line of code that Bandit points at. ``errors`` are files that Bandit could not read or parse: the first hundred are
quarantined, so a person sees what was not scanned; if they are all there is, nothing was scanned and the job failed.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import Confidence, Finding, Location, Quarantined, Severity
from secapi_workers.parsers.bounds import ParseLimits, bounded
from secapi_workers.parsers.fields import converted, cwes, details, folded, integer, items, obj, required, sub, text
from secapi_workers.parsers.json_stream import JsonEntries

_SEVERITIES = {"HIGH": Severity.HIGH, "MEDIUM": Severity.MEDIUM, "LOW": Severity.LOW}
_CONFIDENCES = {"HIGH": Confidence.HIGH, "MEDIUM": Confidence.MEDIUM, "LOW": Confidence.LOW}
_ERRORS_KEPT = 100


@bounded
def parse(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
    """Findings of a Bandit report."""
    entries = JsonEntries(stream, limits, "results.item", "errors.item", "metrics._totals")
    first_error = ""
    lines = results = 0
    for entry in entries:
        if entry.path == "metrics._totals":
            lines = (integer(entry.value, "loc") or 0) if isinstance(entry.value, dict) else 0
        elif entry.path == "errors.item":
            skipped = _skipped_file(entry.value, entry.position)
            first_error = first_error or skipped.problem
            if entry.position < _ERRORS_KEPT:
                yield skipped
        else:
            results += 1
            yield converted(entry.value, entry.position, _finding)
    entries.require("results", "a Bandit report")
    entries.require("metrics", "a Bandit report")
    if first_error and not lines and not results:
        raise JobFailed(FailureReason.SCANNER_FAILED, f"bandit could not scan any file: {first_error}")


def _finding(result: dict[str, Any]) -> Finding:
    rule, line = required(result, "test_id"), integer(result, "line_number")
    lines = [number for number in items(result, "line_range") if isinstance(number, int)]
    cwe = sub(result, "issue_cwe")
    return Finding(
        rule=rule,
        title=text(result, "issue_text"),
        severity=_SEVERITIES.get(text(result, "issue_severity"), Severity.INFO),
        confidence=_CONFIDENCES.get(text(result, "issue_confidence")),
        location=Location(path=required(result, "filename"), start_line=line, end_line=max(lines, default=line)),
        anchor=_flagged_line(text(result, "code"), line),
        cwes=cwes([cwe.get("id")]),
        references=tuple(filter(None, (text(result, "more_info"), text(cwe, "link")))),
        details=details(testName=result.get("test_name"), code=result.get("code"), column=result.get("col_offset")),
    )


def _flagged_line(code: str, line: int | None) -> str:
    """The line that is meant out of an excerpt whose lines begin with their numbers; all of it if it is not there."""
    numbered = (row.partition(" ") for row in code.splitlines())
    return folded(next((content for number, _, content in numbered if number == str(line)), code))


def _skipped_file(error: object, position: int) -> Quarantined:
    entry = obj(error) if isinstance(error, dict) else {}
    name, reason = text(entry, "filename") or "a file", text(entry, "reason") or "reason not given"
    return Quarantined(position, f"bandit skipped {name}: {reason}", "")
