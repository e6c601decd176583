"""SARIF's rules: which results are findings, how bad they are, what they are called, and what identifies them."""

import json
from typing import Any

import pytest

from reports import findings
from secapi_core.crds.scanner import OutputFormat
from secapi_core.findings import Confidence, Finding, Location, Severity


def log(*results: dict[str, Any], tool: dict[str, Any] | None = None, last: bool = False, **run: Any) -> str:
    """A log of one run; ``last`` writes the tool behind the results."""
    parts = [("tool", tool or {"driver": {"name": "t"}}), ("results", list(results))]
    return json.dumps({"runs": [dict(reversed(parts) if last else parts) | run], "version": "2.1.0"})


def one(result: dict[str, Any], **more: Any) -> Finding:
    [finding] = findings(OutputFormat.SARIF, log({"message": {"text": "m"}} | result, **more))
    return finding


def driver(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"driver": {"name": "t", "rules": list(rules)}} | more


@pytest.mark.parametrize(
    ("level", "severity"),
    [("error", "high"), ("warning", "medium"), ("note", "low"), ("none", "info"), ("nonsense", "medium")],
)
def test_a_level_becomes_a_severity(level: str, severity: str) -> None:
    assert one({"ruleId": "r", "level": level}).severity.value == severity


@pytest.mark.parametrize(
    ("result", "rule", "level"),
    [
        ({}, {}, "warning"),
        ({}, {"defaultConfiguration": {"level": "error"}}, "error"),
        ({"level": "note"}, {"defaultConfiguration": {"level": "error"}}, "note"),
        ({"kind": "fail"}, {"defaultConfiguration": {"level": "error"}}, "error"),
        ({"kind": "review"}, {"defaultConfiguration": {"level": "error"}}, "none"),
        ({"kind": "open", "level": "error"}, {}, "none"),
        ({"kind": "informational"}, {}, "none"),
    ],
)
def test_a_missing_level_comes_from_the_rule_and_other_kinds_have_none(
    result: dict[str, Any], rule: dict[str, Any], level: str
) -> None:
    finding = one({"ruleId": "r"} | result, tool=driver({"id": "r"} | rule))
    assert finding.details["level"] == level


def test_an_invocation_can_override_the_level_of_a_rule() -> None:
    override = {"descriptor": {"id": "r"}, "configuration": {"level": "note"}}
    finding = one(
        {"ruleId": "r", "provenance": {"invocationIndex": 1}},
        tool=driver({"id": "r", "defaultConfiguration": {"level": "error"}}),
        invocations=[{}, {"ruleConfigurationOverrides": [override]}],
    )
    assert finding.details["level"] == "note"


@pytest.mark.parametrize("result", [{"kind": "pass"}, {"kind": "notApplicable"}, {"baselineState": "absent"}])
def test_what_is_not_there_is_no_finding(result: dict[str, Any]) -> None:
    assert findings(OutputFormat.SARIF, log({"ruleId": "r", "message": {"text": "m"}} | result)) == []


@pytest.mark.parametrize(
    ("score", "severity"),
    [("9.8", "critical"), (7.0, "high"), ("4.0", "medium"), (0.1, "low"), ("0.0", "info"), ("high", "medium")],
)
def test_a_security_severity_goes_before_the_level(score: object, severity: str) -> None:
    rule = {"id": "r", "properties": {"security-severity": score}}
    assert one({"ruleId": "r"}, tool=driver(rule)).severity.value == severity


def test_a_result_goes_before_its_rule() -> None:
    rule = {"id": "r", "properties": {"security-severity": "2.0"}}
    finding = one({"ruleId": "r", "properties": {"security-severity": "9.1"}}, tool=driver(rule))
    assert (finding.severity, finding.cvss_score) == (Severity.CRITICAL, 9.1)


RULE = {"id": "r", "shortDescription": {"text": "Short"}}


@pytest.mark.parametrize(
    ("result", "tool"),
    [
        ({"ruleId": "r"}, driver(RULE)),
        ({"ruleId": "r/1"}, driver(RULE)),
        ({"ruleIndex": 1}, driver({"id": "other"}, RULE)),
        ({"rule": {"id": "r"}}, driver(RULE)),
        ({"rule": {"index": 0, "toolComponent": {"index": 0}}}, driver(extensions=[{"rules": [RULE]}])),
        ({"ruleId": "r"}, driver(extensions=[{}, {"rules": [RULE]}])),
    ],
    ids=["id", "more specific id", "index", "reference", "extension by index", "extension by id"],
)
@pytest.mark.parametrize("last", [False, True], ids=["tool first", "tool last"])
def test_a_rule_is_found_however_a_result_names_it_and_wherever_it_stands(
    result: dict[str, Any], tool: dict[str, Any], *, last: bool
) -> None:
    assert one(result, tool=tool, last=last).title == "Short"


@pytest.mark.parametrize("index", [-1, 1, 99, "x", None, 1.5, 2**40])
def test_a_rule_index_that_leads_nowhere_is_ignored(index: object) -> None:
    finding = one({"ruleIndex": index}, tool=driver(RULE))
    assert (finding.rule, finding.title) == ("unknown", "m")


def test_runs_keep_their_rules_apart() -> None:
    runs = [
        {"tool": driver(RULE | {"shortDescription": {"text": f"Short {n}"}}), "results": [{"ruleId": "r"}]}
        for n in range(3)
    ]
    found = findings(OutputFormat.SARIF, json.dumps({"version": "2.1.0", "runs": runs}))
    assert [finding.title for finding in found] == ["Short 0", "Short 1", "Short 2"]


def test_a_message_is_put_together_from_the_rules_text_and_arguments() -> None:
    rule = {"id": "r", "messageStrings": {"default": {"text": "{0} calls {1} {9}"}}}
    finding = one({"ruleId": "r", "message": {"id": "default", "arguments": ["a", "b{0}"]}}, tool=driver(rule))
    assert finding.description == "a calls b{0} {9}"


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("src/a%20b.py", Location(path="src/a b.py", start_line=3, end_line=4)),
        ("file:///srv/app/a.py", Location(path="/srv/app/a.py", start_line=3, end_line=4)),
        ("./a.py", Location(path="a.py", start_line=3, end_line=4)),
        (r"src\a.py", Location(path="src/a.py", start_line=3, end_line=4)),
        ("https://h.example/x", Location(url="https://h.example/x", start_line=3, end_line=4)),
    ],
)
def test_a_uri_becomes_a_path_or_a_url(uri: str, location: Location) -> None:
    physical = {"artifactLocation": {"uri": uri}, "region": {"startLine": 3, "endLine": 4}}
    assert one({"locations": [{"physicalLocation": physical}]}).location == location


@pytest.mark.parametrize(("index", "path"), [(1, "b.py"), (7, ""), (-1, ""), ("x", "")])
def test_a_location_can_point_into_the_runs_artifacts(index: object, path: str) -> None:
    artifacts = [{"location": {"uri": "a.py"}}, {"location": {"uri": "b.py"}}]
    result = {"locations": [{"physicalLocation": {"artifactLocation": {"index": index}}}]}
    assert one(result, artifacts=artifacts).location.path == path


def test_further_locations_are_kept_in_the_details() -> None:
    places = [
        {"physicalLocation": {"artifactLocation": {"uri": f"{name}.py"}, "region": {"startLine": 1}}} for name in "abc"
    ]
    assert one({"locations": places}).details["otherLocations"] == ["b.py:1", "c.py:1"]


SNIPPET = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"snippet": {"text": " x  =\n 1 "}}}}


@pytest.mark.parametrize(
    ("result", "anchor"),
    [
        (
            {"fingerprints": {"b": "2", "a": "1"}, "partialFingerprints": {"c": "3"}},
            '{"fingerprints":{"a":"1","b":"2"}}',
        ),
        ({"partialFingerprints": {"c": "3"}, "locations": [SNIPPET]}, '{"partialFingerprints":{"c":"3"}}'),
        ({"fingerprints": {"a": "requires login"}, "locations": [SNIPPET]}, "x = 1"),
        ({"locations": [{"logicalLocations": [{"fullyQualifiedName": "A.b()"}]}]}, "A.b()"),
        ({"locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}}}]}, ""),
        ({}, "m"),
    ],
    ids=["fingerprints", "partial", "withheld", "logical", "place only", "nothing but a message"],
)
def test_the_anchor_is_the_most_stable_thing_that_the_result_has(result: dict[str, Any], anchor: str) -> None:
    assert one({"ruleId": "r"} | result).anchor == anchor


def test_weaknesses_come_from_tags_properties_taxa_and_relationships() -> None:
    cwe = {"name": "CWE"}
    rule = {
        "id": "CVE-2026-12345-thing",
        "properties": {"tags": ["external/cwe/cwe-079", "security", "CWE-89: SQL"], "precision": "very-high"},
        "relationships": [{"target": {"id": "CWE-22", "toolComponent": cwe}}],
        "helpUri": "https://h.example/rule",
    }
    finding = one(
        {"ruleId": rule["id"], "taxa": [{"id": "78", "toolComponent": cwe}], "properties": {"cwe": "CWE-502: x"}},
        tool=driver(rule),
    )

    assert finding.cwes == (79, 89, 22, 78, 502)
    assert finding.vulnerability_ids == ("CVE-2026-12345",)
    assert finding.confidence is Confidence.HIGH
    assert finding.references == ("https://h.example/rule",)


def test_a_suppression_is_recorded() -> None:
    suppression = {"kind": "inSource", "status": "accepted", "justification": "test code", "guid": "x"}
    finding = one({"suppressions": [suppression]})
    assert finding.details["suppressions"] == [{"kind": "inSource", "status": "accepted", "justification": "test code"}]
