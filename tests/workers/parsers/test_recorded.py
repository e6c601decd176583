"""Each built-in scanner's real output (tests/data/recorded) gives the findings that a person sees in it."""

from collections import Counter

from reports import DATA, RECORDED, findings, quarantined
from secapi_core.crds.scanner import OutputFormat
from secapi_core.findings import Confidence, Finding, Location, Severity
from secapi_core.fingerprints import identify
from secapi_workers.parsers.placement import Placement, placed


def rules(found: list[Finding]) -> dict[str, int]:
    return dict(Counter(finding.rule for finding in found))


def test_bandit() -> None:
    found = findings(OutputFormat.BANDIT_JSON, RECORDED / "bandit.json")

    assert rules(found) == {
        "B105": 1,
        "B201": 1,
        "B301": 1,
        "B324": 1,
        "B403": 1,
        "B404": 1,
        "B602": 2,
        "B608": 1,
    }
    shell = next(finding for finding in found if finding.rule == "B602")
    assert shell.severity is Severity.HIGH
    assert shell.confidence is Confidence.HIGH
    assert shell.cwes == (78,)
    # A line of tests/data/vulnerable-app, as the recorded report quotes it.
    assert shell.anchor == 'subprocess.call("convert " + request.args.get("options"), shell=True)'
    assert shell.location == Location(path="/srv/app/app/shop.py", start_line=32, end_line=32)
    [skipped] = quarantined(OutputFormat.BANDIT_JSON, RECORDED / "bandit.json")
    assert skipped.problem == "bandit skipped /srv/app/app/broken.py: syntax error while parsing AST from file"


def test_the_same_code_twice_in_a_file_is_two_findings() -> None:
    found = findings(OutputFormat.BANDIT_JSON, RECORDED / "bandit.json")
    shells = [finding for finding in found if finding.rule == "B602"]

    assert len({finding.anchor for finding in shells}) == 1
    assert len({identity for identity, _ in identify("ns", "target", "bandit", shells)}) == 2


def test_semgrep() -> None:
    found = findings(OutputFormat.SEMGREP_JSON, RECORDED / "semgrep.json")

    assert rules(found) == {
        "secapi.javascript.command-injection": 1,
        "secapi.python.command-injection": 2,
        "secapi.python.debug-mode": 1,
        "secapi.python.hardcoded-password": 1,
        "secapi.python.path-traversal": 1,
        "secapi.python.sql-injection": 1,
        "secapi.python.unsafe-deserialization": 1,
        "secapi.python.weak-hash": 1,
        "secapi.secrets.aws-access-key": 1,
        "secapi.secrets.password-in-url": 1,
    }
    sql = next(finding for finding in found if finding.rule == "secapi.python.sql-injection")
    assert sql.title == "SQL statement built from variable text"
    assert sql.severity is Severity.HIGH
    assert sql.confidence is Confidence.MEDIUM
    assert sql.cwes == (89,)
    assert sql.anchor == ""  # withheld by semgrep without an account


def test_semgrep_as_sarif_gives_the_same_findings_as_its_json_once_they_are_placed() -> None:
    """The same identities as well: which of the two formats was read does not matter."""
    app = DATA / "vulnerable-app"
    identities = []
    for output_format, name in (
        (OutputFormat.SEMGREP_JSON, "semgrep.json"),
        (OutputFormat.SARIF, "semgrep-sarif.sarif"),
    ):
        report = (RECORDED / name).read_bytes().replace(b"/srv/app", str(app).encode())
        items = placed(findings(output_format, report), Placement(source=app))
        located = [item for item in items if isinstance(item, Finding)]
        assert {finding.location.path for finding in located} == {"app/shop.py", "app/server.js", "settings.ini"}
        identities.append({identity for identity, _ in identify("ns", "target", "semgrep", located)})

    assert identities[0] == identities[1]
    assert len(identities[0]) == 11


def test_detect_secrets() -> None:
    found = findings(OutputFormat.DETECT_SECRETS_JSON, RECORDED / "detect-secrets.json")

    assert rules(found) == {
        "AWS Access Key": 1,
        "Base64 High Entropy String": 1,
        "Basic Auth Credentials": 1,
        "Secret Keyword": 2,
    }
    assert {finding.severity for finding in found} == {Severity.HIGH}
    aws = next(finding for finding in found if finding.rule == "AWS Access Key")
    assert aws.location == Location(path="settings.ini", start_line=2)
    assert aws.confidence is Confidence.HIGH


def test_nmap() -> None:
    found = findings(OutputFormat.NMAP_XML, RECORDED / "nmap.xml")

    assert [finding.title for finding in found] == [
        "Open port 36859/tcp: unknown",
        "Open port 42007/tcp: ssh (AsyncSSH sshd 2.24.1)",
    ]
    assert found[1].location == Location(host="127.0.0.1", port=42007, protocol="tcp")
    assert found[1].severity is Severity.INFO
    assert found[1].details["cpes"] == ["cpe:/a:ron_frederick:asyncssh:2.24.1"]


def test_sslyze() -> None:
    found = findings(OutputFormat.SSLYZE_JSON, RECORDED / "sslyze.json")

    assert rules(found) == {
        "certificate-expired": 1,
        "certificate-self-signed": 1,
        "deprecated-protocol": 2,
        "missing-hsts": 1,
        "weak-cipher": 2,
    }
    assert {finding.location for finding in found} == {Location(host="localhost", port=36859, protocol="tcp")}
    protocols = [finding for finding in found if finding.rule == "deprecated-protocol"]
    assert [finding.anchor for finding in protocols] == ["TLS 1.0", "TLS 1.1"]


def test_ssh_audit() -> None:
    found = findings(OutputFormat.SSH_AUDIT_JSON, RECORDED / "ssh-audit.json")

    assert rules(found) == {"weak-enc": 2, "weak-kex": 3, "weak-key": 3, "weak-mac": 3}
    assert {finding.location for finding in found} == {Location(host="127.0.0.1", port=42007, protocol="tcp")}
    worst = {finding.anchor for finding in found if finding.severity is Severity.HIGH}
    assert {"3des-cbc", "hmac-md5", "diffie-hellman-group1-sha1"} <= worst
