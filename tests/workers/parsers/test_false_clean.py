"""A scan that reached or scanned nothing is not a clean one, whatever the tool's exit status said."""

import json
from typing import Any

import pytest

from reports import failure, findings, quarantined
from secapi_core.crds.scanner import OutputFormat
from secapi_core.failures import FailureReason

NMAP, SSLYZE, SSH_AUDIT = OutputFormat.NMAP_XML, OutputFormat.SSLYZE_JSON, OutputFormat.SSH_AUDIT_JSON
BANDIT, SEMGREP, SARIF = OutputFormat.BANDIT_JSON, OutputFormat.SEMGREP_JSON, OutputFormat.SARIF


def nmap(hosts: str, *, up: int, down: int = 0, finished: str = 'exit="success"') -> str:
    total = up + down
    return (
        f'<nmaprun scanner="nmap">{hosts}<runstats><finished {finished}/>'
        f'<hosts up="{up}" down="{down}" total="{total}"/></runstats></nmaprun>'
    )


def host(ports: str, reason: str = "user-set", state: str = "up") -> str:
    return (
        f'<host><status state="{state}" reason="{reason}"/><address addr="192.0.2.1" addrtype="ipv4"/>'
        f"<ports>{ports}</ports></host>"
    )


SILENT = '<extraports state="filtered" count="999"/><port portid="80" protocol="tcp"><state state="filtered"/></port>'
REFUSED = '<extraports state="closed" count="1000"/>'
ONE_REFUSED = (
    '<extraports state="filtered" count="999"/><port portid="80" protocol="tcp"><state state="closed"/></port>'
)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (nmap("", up=0, down=0), FailureReason.TARGET_UNRESOLVABLE),
        (nmap("", up=0, down=1), FailureReason.TARGET_UNREACHABLE),
        (nmap(host("", "no-response", "down"), up=0, down=1), FailureReason.TARGET_UNREACHABLE),
        (nmap(host(SILENT), up=1), FailureReason.TARGET_UNREACHABLE),
        (nmap("", up=0, finished='exit="error" errormsg="Bad ports"'), FailureReason.SCANNER_FAILED),
        ('<nmaprun scanner="nmap"></nmaprun>', FailureReason.SCANNER_FAILED),
    ],
    ids=["no target", "down", "down and listed", "not one answer", "error", "no end"],
)
def test_nmap_that_learned_nothing_fails(report: str, reason: FailureReason) -> None:
    assert failure(NMAP, report).failure.reason is reason


def test_the_reason_that_nmap_gives_is_kept() -> None:
    error = failure(NMAP, nmap("", up=0, finished='exit="error" errormsg="Ports must be below 65536"'))
    assert "Ports must be below 65536" in error.failure.message


@pytest.mark.parametrize(
    "report",
    [
        nmap(host(REFUSED), up=1),
        nmap(host(ONE_REFUSED), up=1),
        nmap(host(SILENT, "echo-reply"), up=1),
        nmap(host(SILENT) + host(REFUSED), up=2),
    ],
    ids=["all closed", "one closed", "answers pings", "one of two hosts"],
)
def test_nmap_that_got_an_answer_may_find_nothing(report: str) -> None:
    assert findings(NMAP, report) == []


def sslyze(*servers: Any, **more: Any) -> str:
    report = {"server_scan_results": list(servers), "invalid_server_strings": [], "sslyze_version": "6.3.1"}
    return json.dumps(report | more)


PLACE = {"hostname": "h.example", "port": 443, "ip_address": "192.0.2.1"}
NO_CONNECTION = {
    "server_location": PLACE,
    "scan_status": "ERROR_NO_CONNECTIVITY",
    "connectivity_error_trace": "Traceback …\nsslyze.errors.ConnectionToServerTimedOut: h.example: timed out\n",
    "scan_result": None,
}
CLEAN = {"status": "COMPLETED", "result": {"is_vulnerable_to_heartbleed": False}}
NOT_DONE = {"status": "ERROR", "error_reason": "CONNECTIVITY_ISSUE", "result": None}


def test_sslyze_without_a_connection_fails_with_the_last_line_of_its_trace() -> None:
    error = failure(SSLYZE, sslyze(NO_CONNECTION))

    assert error.failure.reason is FailureReason.TARGET_UNREACHABLE
    assert error.failure.message.endswith("sslyze.errors.ConnectionToServerTimedOut: h.example: timed out")


def test_sslyze_with_a_name_that_does_not_resolve_fails() -> None:
    problem = {"server_string": "h.example:443", "error_message": "Could not resolve hostname h.example"}
    error = failure(SSLYZE, sslyze(invalid_server_strings=[problem]))

    assert error.failure.reason is FailureReason.TARGET_UNRESOLVABLE
    assert "Could not resolve hostname" in error.failure.message


def test_old_sslyze_without_a_connection_fails() -> None:
    problem = {"server_info": {"server_location": PLACE}, "error_message": "Connection refused"}
    error = failure(SSLYZE, sslyze(server_connectivity_errors=[problem]))
    assert error.failure.reason is FailureReason.TARGET_UNREACHABLE


@pytest.mark.parametrize("servers", [[], [{"server_location": PLACE, "scan_result": {"heartbleed": NOT_DONE}}]])
def test_sslyze_that_completed_no_check_fails(servers: list[Any]) -> None:
    assert failure(SSLYZE, sslyze(*servers)).failure.reason is FailureReason.TARGET_UNREACHABLE


def test_a_check_that_sslyze_could_not_complete_is_quarantined() -> None:
    server = {"server_location": PLACE, "scan_result": {"heartbleed": CLEAN, "robot": NOT_DONE}}

    assert findings(SSLYZE, sslyze(server)) == []
    assert [bad.problem for bad in quarantined(SSLYZE, sslyze(server))] == [
        "sslyze could not complete robot on h.example:443/tcp: CONNECTIVITY_ISSUE"
    ]


def test_one_server_out_of_reach_does_not_hide_the_other() -> None:
    server = {"server_location": PLACE, "scan_result": {"heartbleed": CLEAN}}
    assert len(quarantined(SSLYZE, sslyze(server, NO_CONNECTION))) == 1


@pytest.mark.parametrize("banner", [None, {"raw": "", "software": None}])
def test_ssh_audit_without_a_banner_fails(banner: object) -> None:
    report = json.dumps({"banner": banner, "cves": [], "recommendations": {}, "target": "192.0.2.1:22"})
    error = failure(SSH_AUDIT, report)

    assert error.failure.reason is FailureReason.TARGET_UNREACHABLE
    assert "192.0.2.1:22" in error.failure.message


def bandit(errors: list[Any], loc: int, results: list[Any] | None = None) -> str:
    return json.dumps({"errors": errors, "metrics": {"_totals": {"loc": loc}}, "results": results or []})


UNREADABLE = {"filename": "./a.py", "reason": "syntax error while parsing AST from file"}


def test_bandit_that_could_read_no_file_fails() -> None:
    error = failure(BANDIT, bandit([UNREADABLE], 0))

    assert error.failure.reason is FailureReason.SCANNER_FAILED
    assert "./a.py: syntax error" in error.failure.message


def test_bandit_over_a_tree_without_python_is_clean() -> None:
    assert findings(BANDIT, bandit([], 0)) == []


def test_files_that_bandit_skipped_are_quarantined_up_to_a_hundred() -> None:
    assert len(quarantined(BANDIT, bandit([UNREADABLE] * 5_000, 100))) == 100


def semgrep(errors: list[Any], scanned: list[str]) -> str:
    return json.dumps({"results": [], "errors": errors, "paths": {"scanned": scanned}})


FATAL = {"code": 2, "level": "error", "type": "SemgrepError", "message": "Invalid scanning root: /src"}


def test_semgrep_that_scanned_nothing_because_of_an_error_fails() -> None:
    error = failure(SEMGREP, semgrep([FATAL], []))

    assert error.failure.reason is FailureReason.SCANNER_FAILED
    assert "Invalid scanning root" in error.failure.message


@pytest.mark.parametrize(("errors", "scanned"), [([], []), ([FATAL], ["a.py"]), ([FATAL | {"level": "warn"}], [])])
def test_semgrep_that_scanned_something_or_had_nothing_to_scan_is_clean(errors: list[Any], scanned: list[str]) -> None:
    assert findings(SEMGREP, semgrep(errors, scanned)) == []


def test_what_semgrep_skipped_is_quarantined_up_to_a_hundred() -> None:
    assert len(quarantined(SEMGREP, semgrep([FATAL | {"level": "warn"}] * 5_000, ["a.py"]))) == 100


def sarif(*runs: Any) -> str:
    return json.dumps({"version": "2.1.0", "runs": list(runs)})


FAILED = {"executionSuccessful": False, "exitCodeDescription": "licence expired"}


def test_a_sarif_tool_that_failed_without_results_fails() -> None:
    error = failure(SARIF, sarif({"invocations": [FAILED], "results": []}))

    assert error.failure.reason is FailureReason.SCANNER_FAILED
    assert "licence expired" in error.failure.message


def test_a_sarif_run_without_a_list_of_results_did_not_scan() -> None:
    assert failure(SARIF, sarif({"tool": {"driver": {"name": "t"}}})).failure.reason is FailureReason.OUTPUT_INVALID
    assert failure(SARIF, sarif({"results": None})).failure.reason is FailureReason.OUTPUT_INVALID


@pytest.mark.parametrize("log", [sarif(), sarif({"results": []})])
def test_a_sarif_log_may_be_clean(log: str) -> None:
    assert findings(SARIF, log) == []
