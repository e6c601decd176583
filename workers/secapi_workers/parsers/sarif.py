"""SARIF 2.1.0, of any tool: one finding per result that reports a problem.

Severity: ``security-severity`` of the result or its rule as a CVSS score where there is one, else the level by 3.27.10:
error is high, warning medium, note low, none info. Results of kind ``pass`` or ``notApplicable`` and those that the
tool says are gone (``baselineState: absent``) are no findings; ``open``, ``review`` and ``informational`` are info.
Suppressed results are findings whose details say so. A result with several locations is one finding at the first.

The anchor is the tool's ``fingerprints``, else its ``partialFingerprints``, else the code it quotes; where a result has
no place at all, its message. A log whose tool says that it failed, and that has no result, fails the job.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import unquote

import orjson

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import Confidence, Finding, Location, Quarantined, Severity
from secapi_workers.parsers.bounds import ParseLimits, bounded, invalid
from secapi_workers.parsers.fields import (
    Malformed,
    converted,
    cves,
    cwes,
    details,
    folded,
    integer,
    items,
    number,
    objects,
    severity_of_score,
    sub,
    text,
    texts,
)
from secapi_workers.parsers.json_stream import JsonEntries
from secapi_workers.parsers.sarif_run import Rule, Run, read_runs, taxa

_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.INFO}
_PRECISIONS = {
    "very-high": Confidence.HIGH,
    "high": Confidence.HIGH,
    "medium": Confidence.MEDIUM,
    "low": Confidence.LOW,
}
_NOT_REPORTED = frozenset({"pass", "notApplicable"})
_WITHHELD = "requires login"
_PLACEHOLDER = re.compile(r"\{(\d{1,2})\}")


@bounded
def parse(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
    """Findings of a SARIF log; ``stream`` is read twice, since rules may come after the results that refer to them."""
    runs = read_runs(stream, limits)
    stream.seek(0)
    results = 0
    entries = JsonEntries(stream, limits, "runs.item.results.item")
    for entry in entries:
        results += 1
        run = runs.get(int(entry.at[0])) or Run()
        if not isinstance(entry.value, dict) or _is_reported(entry.value):
            yield converted(entry.value, entry.position, partial(_finding, run=run))
    if entries.has("runs.item") and not entries.has("runs.item.results"):
        raise invalid("the SARIF log has runs but no results, not even an empty list: the tool did not scan")
    problems = [problem for run in runs.values() for problem in run.problems]
    if problems and not results:
        raise JobFailed(FailureReason.SCANNER_FAILED, f"the tool did not finish its scan: {problems[0]}")
    for position, problem in enumerate(problems[: limits.max_quarantined // 2]):
        yield Quarantined(position, f"the tool reports a problem: {problem}", "")


def _is_reported(result: dict[str, Any]) -> bool:
    return text(result, "kind") not in _NOT_REPORTED and text(result, "baselineState") != "absent"


def _finding(result: dict[str, Any], run: Run) -> Finding:
    rule = run.rule_of(result)
    rule_id = text(result, "ruleId") or text(sub(result, "rule"), "id") or rule.id
    message = _message(result, rule)
    if not rule_id and not message:
        raise Malformed("the result has neither a rule nor a message")
    level = run.level_of(result, rule)
    score = _first(number(sub(result, "properties"), "security-severity"), rule.score)
    location = _location(result, run)
    tags = [*rule.tags, *texts(sub(result, "properties"), "tags"), *taxa(objects(result, "taxa"))]
    return Finding(
        rule=rule_id or "unknown",
        title=rule.short or message.strip().partition("\n")[0] or rule.name,
        severity=_LEVELS.get(level, Severity.MEDIUM) if score is None else severity_of_score(score),
        confidence=_PRECISIONS.get(rule.precision),
        location=location,
        anchor=_anchor(result, location, message),
        description="\n\n".join(dict.fromkeys(filter(None, (message, rule.full)))),
        remediation=rule.help,
        cwes=cwes([tag for tag in tags if "cwe" in tag.lower()] + items(sub(result, "properties"), "cwe")),
        vulnerability_ids=cves(rule_id, *tags),
        cvss_score=score,
        references=(rule.help_uri,) if rule.help_uri else (),
        details=details(
            level=level,
            kind=text(result, "kind"),
            ruleName=rule.name,
            suppressions=[_suppression(one) for one in objects(result, "suppressions")],
            otherLocations=_other_locations(result, run),
            code=text(sub(_physical(result), "region", "snippet"), "text"),
        ),
    )


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _message(result: dict[str, Any], rule: Rule) -> str:
    """The result's own text, or the rule's text that it names, with its arguments put in."""
    message = sub(result, "message")
    template = text(message, "text") or rule.messages.get(text(message, "id"), "") or text(message, "markdown")
    arguments = texts(message, "arguments")

    def argument(match: re.Match[str]) -> str:
        index = int(match[1])
        return arguments[index][:1_000] if index < len(arguments) else match[0]

    return _PLACEHOLDER.sub(argument, template[:20_000]) if arguments else template


def _physical(result: dict[str, Any]) -> dict[str, Any]:
    return sub(next(objects(result, "locations"), {}), "physicalLocation")


def _location(result: dict[str, Any], run: Run) -> Location:
    physical = _physical(result)
    region = sub(physical, "region")
    line = integer(region, "startLine")
    return _place(_uri(physical, run), line, integer(region, "endLine") or line)


def _uri(physical: dict[str, Any], run: Run) -> str:
    """The artifact's URI, looked up in the run's list where the result gives only an index."""
    artifact = sub(physical, "artifactLocation")
    index = integer(artifact, "index")
    known = run.artifacts[index] if index is not None and 0 <= index < len(run.artifacts) else ""
    return text(artifact, "uri") or known


def _place(uri: str, line: int | None, end: int | None) -> Location:
    if uri.startswith(("http://", "https://")):
        return Location(url=uri, start_line=line, end_line=end)
    path = unquote(uri)
    if path.startswith("file:"):
        path = "/" + path.removeprefix("file:").lstrip("/")
    return Location(path=path.replace("\\", "/").removeprefix("./"), start_line=line, end_line=end)


def _other_locations(result: dict[str, Any], run: Run) -> list[str]:
    others = (sub(location, "physicalLocation") for location in list(objects(result, "locations"))[1:51])
    return [str(_place(_uri(one, run), integer(sub(one, "region"), "startLine"), None)) for one in others]


def _anchor(result: dict[str, Any], location: Location, message: str) -> str:
    for key in ("fingerprints", "partialFingerprints"):
        prints = {name: value for name, value in sub(result, key).items() if value != _WITHHELD}
        if prints:
            return orjson.dumps(details(**{key: prints}), option=orjson.OPT_SORT_KEYS).decode()
    snippet = text(sub(_physical(result), "region", "snippet"), "text")
    if snippet and snippet != _WITHHELD:
        return folded(snippet)
    logical = [
        text(one, "fullyQualifiedName", "name")
        for location_ in objects(result, "locations")
        for one in objects(location_, "logicalLocations")
    ]
    return " ".join(logical[:5]) or ("" if location.path or location.url else folded(message))


def _suppression(suppression: dict[str, Any]) -> dict[str, str]:
    return {key: text(suppression, key) for key in ("kind", "status", "justification") if text(suppression, key)}
