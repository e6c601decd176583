"""Whatever a report holds, a parser ends with findings, quarantined entries or ``JobFailed`` with a typed reason."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from reports import RECORDED, failure, findings, parse, quarantined, sample, supported_samples
from secapi_core.crds.scanner import OutputFormat
from secapi_core.failures import FailureReason

GOOD = {
    OutputFormat.BANDIT_JSON: RECORDED / "bandit.json",
    OutputFormat.DETECT_SECRETS_JSON: RECORDED / "detect-secrets.json",
    OutputFormat.NMAP_XML: RECORDED / "nmap.xml",
    OutputFormat.SARIF: RECORDED / "semgrep-sarif.sarif",
    OutputFormat.SEMGREP_JSON: RECORDED / "semgrep.json",
    OutputFormat.SSH_AUDIT_JSON: RECORDED / "ssh-audit.json",
    OutputFormat.SSLYZE_JSON: RECORDED / "sslyze.json",
}
every_format = pytest.mark.parametrize("output_format", list(OutputFormat))
json_format = pytest.mark.parametrize(
    "output_format", [one for one in OutputFormat if one is not OutputFormat.NMAP_XML]
)


def invalid(output_format: OutputFormat, report: bytes | str, **limits: int) -> str:
    """The sentence of an OutputInvalid."""
    error = failure(output_format, report, **limits)
    assert error.failure.reason is FailureReason.OUTPUT_INVALID, error
    return error.failure.message


@every_format
def test_an_empty_report_is_missing(output_format: OutputFormat) -> None:
    assert failure(output_format, b"").failure.reason is FailureReason.OUTPUT_MISSING


@every_format
@pytest.mark.parametrize(
    "report", [" \n\t", "null", "[]", "{}", '"text"', "5", "true", "<html/>", "plain text", "\x00"]
)
def test_something_else_is_invalid(output_format: OutputFormat, report: str) -> None:
    assert invalid(output_format, report)


PAIRS = [(ours, theirs) for ours in OutputFormat for theirs in OutputFormat if ours is not theirs]


@pytest.mark.parametrize(("output_format", "other"), PAIRS)
def test_another_tools_report_is_refused_or_all_its_entries_are(
    output_format: OutputFormat, other: OutputFormat
) -> None:
    if (output_format, other) == (OutputFormat.SEMGREP_JSON, OutputFormat.BANDIT_JSON):
        # Semgrep's reports have no key that Bandit's lack.
        assert findings(output_format, GOOD[other]) == []
        assert len(quarantined(output_format, GOOD[other])) == len(parse(other, GOOD[other]))
    else:
        assert invalid(output_format, GOOD[other].read_bytes())


@pytest.mark.parametrize("name", supported_samples())
def test_a_report_that_is_cut_off_fails_wherever_it_was_cut(name: str) -> None:
    output_format, path = sample(name)
    report = path.read_bytes().rstrip()
    step = max(1, len(report) // 25)
    for end in [*range(1, len(report), step), len(report) - 1]:
        assert failure(output_format, report[:end]).failure.reason is FailureReason.OUTPUT_INVALID


@every_format
def test_a_raw_nul_is_invalid(output_format: OutputFormat) -> None:
    report = GOOD[output_format].read_bytes()
    middle = len(report) // 2
    assert invalid(output_format, report[:middle] + b"\0" + report[middle:])


@every_format
def test_bytes_that_are_not_utf8_are_invalid(output_format: OutputFormat) -> None:
    report = GOOD[output_format].read_bytes()
    needle = b'"' if output_format is not OutputFormat.NMAP_XML else b'name="'
    position = report.index(needle, len(report) // 3) + len(needle)
    assert invalid(output_format, report[:position] + b"caf\xe9" + report[position:])


@every_format
def test_a_byte_order_mark_and_windows_line_ends_are_harmless(output_format: OutputFormat) -> None:
    report = GOOD[output_format].read_bytes()

    assert parse(output_format, b"\xef\xbb\xbf" + report) == parse(output_format, report)
    assert len(parse(output_format, report.replace(b"\n", b"\r\n"))) == len(parse(output_format, report))


@every_format
def test_more_bytes_than_allowed_are_too_large(output_format: OutputFormat) -> None:
    error = failure(output_format, GOOD[output_format], max_bytes=1_000)
    assert error.failure.reason is FailureReason.OUTPUT_TOO_LARGE


@every_format
def test_more_findings_than_allowed_are_too_large(output_format: OutputFormat) -> None:
    error = failure(output_format, GOOD[output_format], max_findings=1)
    assert error.failure.reason is FailureReason.OUTPUT_TOO_LARGE
    assert "more than 1 findings" in error.failure.message


@json_format
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"results":[', '[{"a":['])
def test_deep_nesting_is_invalid(output_format: OutputFormat, opening: str) -> None:
    assert "nested deeper" in invalid(output_format, opening * 100_000)


@json_format
@pytest.mark.parametrize(
    "token",
    ['"' + "x" * 2_000_000 + '"', "1" * 2_000_000, " " * 2_000_000, '"' + "\\u0041" * 400_000 + '"'],
    ids=["text", "number", "gap", "escapes"],
)
def test_a_token_of_megabytes_is_invalid_before_it_is_read_whole(output_format: OutputFormat, token: str) -> None:
    assert "single value" in invalid(output_format, '{"results": [' + token)


@json_format
@pytest.mark.parametrize(
    "number", ["1" + "0" * 5_000, "1e999999999999999999999", "-" * 2, "NaN", "Infinity", "1.", "01"]
)
def test_a_number_that_python_cannot_take_is_invalid(output_format: OutputFormat, number: str) -> None:
    assert invalid(output_format, f'{{"a": {number}}}')


@json_format
def test_trailing_garbage_is_invalid(output_format: OutputFormat) -> None:
    assert invalid(output_format, GOOD[output_format].read_bytes() + b"{}")


def bandit_report(*results: Any, **more: Any) -> str:
    return json.dumps({"errors": [], "metrics": {"_totals": {"loc": 10}}, "results": list(results)} | more)


BANDIT_RESULT: dict[str, Any] = {
    "test_id": "B101",
    "filename": "a.py",
    "line_number": 2,
    "issue_severity": "LOW",
    "issue_text": "Use of assert",
}
SEMGREP_RESULT: dict[str, Any] = {"check_id": "rule", "path": "a.py", "start": {"line": 1}, "extra": {"message": "m"}}
SECRET: dict[str, Any] = {"type": "AWS Access Key", "hashed_secret": "abc", "line_number": 3}
SARIF_RESULT: dict[str, Any] = {"ruleId": "rule", "message": {"text": "m"}}

LISTS: dict[OutputFormat, tuple[dict[str, Any], Callable[[list[Any]], str]]] = {
    OutputFormat.BANDIT_JSON: (BANDIT_RESULT, lambda entries: bandit_report(*entries)),
    OutputFormat.SEMGREP_JSON: (SEMGREP_RESULT, lambda entries: json.dumps({"results": entries, "errors": []})),
    OutputFormat.DETECT_SECRETS_JSON: (SECRET, lambda entries: json.dumps({"results": {"a.py": entries}})),
    OutputFormat.SARIF: (
        SARIF_RESULT,
        lambda entries: json.dumps({"version": "2.1.0", "runs": [{"results": entries}]}),
    ),
}
list_format = pytest.mark.parametrize("output_format", list(LISTS))


@list_format
@pytest.mark.parametrize("bad", [None, 5, "text", True, [], {}, [1, {"a": None}]], ids=repr)
def test_a_bad_entry_is_quarantined_and_the_rest_counts(output_format: OutputFormat, bad: object) -> None:
    good, report = LISTS[output_format]
    text = report([good, bad, good])

    assert len(findings(output_format, text)) == 2
    [entry] = quarantined(output_format, text)
    assert entry.position == 1
    assert entry.problem


@list_format
def test_more_bad_entries_than_allowed_fail_the_report(output_format: OutputFormat) -> None:
    good, report = LISTS[output_format]
    assert "entries of the report are bad" in invalid(output_format, report([good, 1, 2, 3]), max_quarantined=2)


@list_format
def test_an_entry_that_takes_too_much_memory_is_quarantined_and_the_rest_counts(output_format: OutputFormat) -> None:
    good, report = LISTS[output_format]
    text = report([good, good | {"more": [[[1]]] * 1_000}, good | {"line": {"deep": ["x" * 5_000] * 20}}, good])

    assert len(findings(output_format, text, max_entry_bytes=20_000)) == 2
    assert [entry.position for entry in quarantined(output_format, text, max_entry_bytes=20_000)] == [1, 2]
    assert all("too large" in entry.problem for entry in quarantined(output_format, text, max_entry_bytes=20_000))


WEIRD: list[Any] = [None, 0, -1, 1.5, 10**30, 1e308, True, "", "\0", "x" * 10_000, [], ["a", 1], {}, {"a": [1]}]


@list_format
@pytest.mark.parametrize("value", WEIRD, ids=lambda value: repr(value)[:20])
def test_a_field_of_any_type_never_breaks_a_parser(output_format: OutputFormat, value: object) -> None:
    good, report = LISTS[output_format]
    for key in good:
        assert len(parse(output_format, report([good, good | {key: value}]))) == 2


@list_format
def test_an_escaped_nul_is_replaced(output_format: OutputFormat) -> None:
    good, report = LISTS[output_format]
    text = report([{key: f"{value}\0" if isinstance(value, str) else value for key, value in good.items()}])

    assert "\\u0000" in text
    [finding] = findings(output_format, text)
    assert "\0" not in repr(finding)


def nmap(body: str = "", *, doctype: str = "<!DOCTYPE nmaprun>", end: str = 'exit="success"', hosts: str = "1") -> str:
    return (
        f'<?xml version="1.0"?>\n{doctype}\n<nmaprun scanner="nmap"><host><status state="up" reason="syn-ack"/>'
        f'<address addr="192.0.2.1" addrtype="ipv4"/><ports>{body}</ports></host>'
        f'<runstats><finished {end}/><hosts up="{hosts}" down="0" total="{hosts}"/></runstats></nmaprun>'
    )


def port(number: object, state: str = "open") -> str:
    return f'<port protocol="tcp" portid="{number}"><state state="{state}" reason="syn-ack"/></port>'


def test_the_bare_doctype_of_nmap_is_accepted() -> None:
    assert len(findings(OutputFormat.NMAP_XML, nmap(port(22)))) == 1


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE nmaprun SYSTEM "http://127.0.0.1:9/nmap.dtd">',
        '<!DOCTYPE nmaprun SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE nmaprun PUBLIC "-//N//N" "nmap.dtd">',
        "<!DOCTYPE nmaprun []>",
        '<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE nmaprun [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>',
        f'<!DOCTYPE nmaprun [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE nmaprun [<!ATTLIST nmaprun a CDATA "b">]>',
    ],
)
def test_a_doctype_that_declares_or_names_anything_is_refused(doctype: str) -> None:
    assert "declares a DTD or entities" in invalid(OutputFormat.NMAP_XML, nmap(port(22), doctype=doctype))


@pytest.mark.parametrize("doctype", ["", "<!DOCTYPE nmaprun>"])
def test_an_entity_that_nobody_declared_is_invalid(doctype: str) -> None:
    assert invalid(OutputFormat.NMAP_XML, nmap("&secret;", doctype=doctype))


def test_deeply_nested_xml_is_invalid() -> None:
    assert "nested deeper" in invalid(OutputFormat.NMAP_XML, "<nmaprun>" + "<a>" * 100_000)


@pytest.mark.parametrize("part", ['<port a="', "<!--", "<port" + " " * 2_000_000], ids=["attribute", "comment", "gap"])
def test_a_part_of_xml_of_megabytes_is_invalid_before_it_is_read_whole(part: str) -> None:
    assert "single value" in invalid(OutputFormat.NMAP_XML, "<nmaprun>" + part + "x" * 2_000_000)


@pytest.mark.parametrize("encoding", ["nonsense", "utf-7", "idna", "shift_jis"])
def test_an_encoding_that_expat_cannot_read_is_invalid(encoding: str) -> None:
    report = nmap(port(22)).replace('version="1.0"', f'version="1.0" encoding="{encoding}"')
    assert invalid(OutputFormat.NMAP_XML, report)


@pytest.mark.parametrize("number", ["0", "65536", "-1", "x", "", "9" * 5_000, "\N{ARABIC-INDIC DIGIT THREE}"])
def test_a_port_without_a_valid_number_is_quarantined_and_the_rest_counts(number: str) -> None:
    report = nmap(port(22) + port(number) + port(80))

    assert [finding.location.port for finding in findings(OutputFormat.NMAP_XML, report)] == [22, 80]
    assert [entry.position for entry in quarantined(OutputFormat.NMAP_XML, report)] == [1]


def test_a_host_count_that_is_no_number_is_harmless() -> None:
    assert len(findings(OutputFormat.NMAP_XML, nmap(port(22), hosts="9" * 5_000))) == 1
