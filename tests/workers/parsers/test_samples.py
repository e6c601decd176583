"""The real reports give what was counted in them without a parser (tests/data/samples/expected.json)."""

from collections import Counter
from typing import Any

import pytest

from reports import EXPECTED, UNSUPPORTED, failure, findings, quarantined, sample, supported_samples
from secapi_core.crds.scanner import OutputFormat
from secapi_core.failures import FailureReason
from secapi_core.findings import Finding

# What these formats call an entry is one finding. In SARIF, results of kind "pass" are entries and no findings.
ONE_FINDING_EACH = ("bandit", "detect_secrets", "nmap", "sarif", "semgrep")

SSLYZE_RULES = {
    "ccs_injection": "ccs-injection",
    "client_renegotiation": "client-renegotiation",
    "compression": "compression",
    "heartbleed": "heartbleed",
    "insecure_renegotiation": "insecure-renegotiation",
    "robot": "robot",
}


def of(*folders: str) -> list[str]:
    return [name for name in supported_samples() if name.startswith(tuple(f"{folder}/" for folder in folders))]


def read(name: str) -> tuple[list[Finding], dict[str, Any]]:
    output_format, path = sample(name)
    return findings(output_format, path), EXPECTED[name]


@pytest.mark.parametrize("name", of(*ONE_FINDING_EACH))
def test_every_entry_becomes_one_finding(name: str) -> None:
    found, expected = read(name)

    passed = expected["counts"].get("kind_as_written", {}).get("pass", 0)
    assert len(found) == expected["entries"] - passed


@pytest.mark.parametrize("name", supported_samples())
def test_no_entry_of_a_real_report_is_quarantined(name: str) -> None:
    output_format, path = sample(name)
    # What SpotBugs says of its own run, not an entry: it calls it unsuccessful although there are 56 results.
    unsuccessful = ["the tool reports a problem: the tool says that it did not succeed"]

    problems = [bad.problem for bad in quarantined(output_format, path)]
    assert problems == (unsuccessful if name == "sarif/spotbugs.sarif" else [])


@pytest.mark.parametrize("name", of("bandit", "semgrep"))
def test_severities_follow_the_tools_own(name: str) -> None:
    found, expected = read(name)
    words = {"ERROR": "high", "WARNING": "medium", "INFO": "low"}

    ours: Counter[str] = Counter()
    for word, count in expected["by_severity"].items():
        ours[words.get(word, word.lower())] += count
    assert Counter(finding.severity.value for finding in found) == ours


@pytest.mark.parametrize("name", of("sarif"))
def test_sarif_levels_are_resolved_as_the_standard_says(name: str) -> None:
    found, expected = read(name)

    levels = Counter(finding.details["level"] for finding in found)
    # The one result of kind "pass" (flawfinder) is counted there with the level that it states against the standard.
    passed = Counter({"note": expected["counts"]["kind_as_written"].get("pass", 0)})
    assert levels + passed == Counter(expected["by_severity"])


def test_detect_secrets_findings_are_spread_over_types_and_files_as_counted() -> None:
    found, expected = read("detect_secrets/many_findings.json")

    assert Counter(finding.rule for finding in found) == expected["counts"]["by_type"]
    assert len({finding.location.path for finding in found}) == expected["counts"]["files"]
    assert (
        sum(finding.details.get("isSecret") is False for finding in found) == expected["counts"]["is_secret"]["False"]
    )


@pytest.mark.parametrize("name", of("nmap"))
def test_nmap_findings_are_the_open_ports_with_their_vulnerabilities(name: str) -> None:
    found, expected = read(name)

    assert len(found) == expected["counts"]["ports_by_state"].get("open", 0)
    ids = {identifier for finding in found for identifier in finding.vulnerability_ids}
    assert len(ids) == expected["counts"].get("vulners_distinct_ids", 0)


@pytest.mark.parametrize("name", of("sslyze"))
def test_sslyze_findings_are_the_failed_checks(name: str) -> None:
    found, expected = read(name)
    rules = Counter(finding.rule for finding in found)

    failed = expected["counts"]["failed_checks"]
    assert {check: rules[rule] for check, rule in SSLYZE_RULES.items()} == failed
    assert rules["deprecated-protocol"] == len(expected["counts"]["deprecated_protocols_with_accepted_suites"])


@pytest.mark.parametrize("name", of("sslyze"))
def test_sslyze_finds_nothing_wrong_with_certificates_that_every_store_accepted(name: str) -> None:
    found, expected = read(name)

    assert set(expected["counts"]["path_validations"]) == {"ok"}
    assert [finding.rule for finding in found if finding.rule.startswith("certificate")] == []


@pytest.mark.parametrize("name", of("ssh_audit"))
def test_ssh_audit_findings_hold_every_recommendation_note_and_cve(name: str) -> None:
    found, expected = read(name)
    counts = expected["counts"]

    recommended = [finding.details["recommendation"] for finding in found if "recommendation" in finding.details]
    assert len(recommended) == expected["entries"]
    assert Counter(one["level"] for one in recommended) == expected["by_severity"]
    assert Counter(one["action"] for one in recommended) == counts["recommendations_by_action"]
    for level in ("fail", "warn"):
        noted = [finding for finding in found if level in finding.details.get("notes", {})]
        assert len(noted) == counts["algorithms_with_note_level"][level]
    assert sum(finding.rule.startswith("CVE-") for finding in found) == counts["cves"]


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_the_xml_of_old_sslyze_is_refused(name: str) -> None:
    error = failure(OutputFormat.SSLYZE_JSON, sample(name)[1])
    assert error.failure.reason is FailureReason.OUTPUT_INVALID
