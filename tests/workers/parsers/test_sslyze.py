"""What counts as a weakness of a TLS server, and how bad it is."""

import json
from typing import Any

import pytest

from reports import findings
from secapi_core.crds.scanner import OutputFormat
from secapi_core.findings import Finding

SCANNED = "2026-11-23T12:00:00+00:00"


def report(results: dict[str, Any], date: str | None = SCANNED) -> list[Finding]:
    """Findings of a server with these results of commands."""
    server = {
        "server_location": {"hostname": "h.example", "port": 443},
        "scan_result": {command: {"status": "COMPLETED", "result": result} for command, result in results.items()},
    }
    whole = {"server_scan_results": [server]} | ({"date_scans_completed": date} if date else {})
    return findings(OutputFormat.SSLYZE_JSON, json.dumps(whole))


def rules(found: list[Finding]) -> dict[str, str]:
    return {finding.rule: finding.severity.value for finding in found}


@pytest.mark.parametrize(
    ("command", "result", "rule", "severity"),
    [
        ("heartbleed", {"is_vulnerable_to_heartbleed": True}, "heartbleed", "high"),
        ("openssl_ccs_injection", {"is_vulnerable_to_ccs_injection": True}, "ccs-injection", "high"),
        ("robot", {"robot_result": "VULNERABLE_STRONG_ORACLE"}, "robot", "high"),
        ("robot", {"robot_result": "VULNERABLE_WEAK_ORACLE"}, "robot", "medium"),
        ("tls_compression", {"supports_compression": True}, "compression", "medium"),
        ("session_renegotiation", {"supports_secure_renegotiation": False}, "insecure-renegotiation", "medium"),
        ("session_renegotiation", {"accepts_client_renegotiation": True}, "client-renegotiation", "medium"),
        (
            "session_renegotiation",
            {"is_vulnerable_to_client_renegotiation_dos": True},
            "client-renegotiation",
            "medium",
        ),
        ("tls_fallback_scsv", {"supports_fallback_scsv": False}, "no-fallback-scsv", "low"),
        ("tls_extended_master_secret", {"supports_ems_extension": False}, "no-extended-master-secret", "low"),
        ("tls_1_3_early_data", {"supports_early_data": True}, "early-data", "info"),
        ("http_headers", {"strict_transport_security_header": None, "http_error_trace": None}, "missing-hsts", "low"),
    ],
)
def test_a_failed_check_is_a_finding(command: str, result: dict[str, Any], rule: str, severity: str) -> None:
    assert rules(report({command: result})) == {rule: severity}


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("heartbleed", {"is_vulnerable_to_heartbleed": False}),
        ("robot", {"robot_result": "NOT_VULNERABLE_NO_ORACLE"}),
        ("robot", {"robot_result": "UNKNOWN_INCONSISTENT_RESULTS"}),
        ("session_renegotiation", {"supports_secure_renegotiation": True}),
        ("http_headers", {"strict_transport_security_header": {"max_age": 31536000}}),
        ("http_headers", {"strict_transport_security_header": None, "http_error_trace": "not HTTP"}),
        ("heartbleed", {}),
    ],
)
def test_a_passed_check_is_none(command: str, result: dict[str, Any]) -> None:
    assert report({command: result}) == []


def accepted(*names: str, **more: Any) -> dict[str, Any]:
    return {"accepted_cipher_suites": [{"cipher_suite": {"name": name, "key_size": 128} | more} for name in names]}


@pytest.mark.parametrize(
    ("command", "severity"),
    [("ssl_2_0", "high"), ("ssl_3_0", "high"), ("tls_1_0", "medium"), ("tls_1_1", "medium")],
)
def test_an_old_version_that_is_accepted_is_a_finding(command: str, severity: str) -> None:
    found = report({f"{command}_cipher_suites": accepted("TLS_RSA_WITH_AES_128_CBC_SHA")})
    assert rules(found) == {"deprecated-protocol": severity}


@pytest.mark.parametrize("command", ["tls_1_2", "tls_1_3"])
def test_a_new_version_is_none(command: str) -> None:
    assert report({f"{command}_cipher_suites": accepted("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")}) == []


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("TLS_RSA_WITH_NULL_SHA256", "high"),
        ("TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "high"),
        ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", "high"),
        ("TLS_RSA_WITH_RC4_128_SHA", "medium"),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "medium"),
        ("TLS_RSA_WITH_DES_CBC_SHA", "medium"),
    ],
)
def test_a_weak_cipher_suite_is_a_finding(name: str, severity: str) -> None:
    [finding] = report({"tls_1_2_cipher_suites": accepted(name)})
    assert (finding.rule, finding.severity.value, finding.anchor) == ("weak-cipher", severity, name)


def test_a_suite_that_several_versions_accept_is_one_finding() -> None:
    suites = accepted("TLS_RSA_WITH_RC4_128_SHA")
    found = report({"tls_1_1_cipher_suites": suites, "tls_1_2_cipher_suites": suites})

    [weak] = [finding for finding in found if finding.rule == "weak-cipher"]
    assert weak.details["versions"] == ["TLS 1.1", "TLS 1.2"]


@pytest.mark.parametrize("more", [{"key_size": 56}, {"is_anonymous": True}])
def test_a_suite_with_an_unknown_name_is_judged_by_its_facts(more: dict[str, Any]) -> None:
    assert len(report({"tls_1_2_cipher_suites": accepted("TLS_NEW", **more)})) == 1


def certificate(
    leaf: dict[str, Any] | None = None, errors: tuple[str | None, ...] = (None,), **more: Any
) -> dict[str, Any]:
    """A ``certificate_info`` of one deployment, valid unless told otherwise; one trust store per error."""
    valid = {
        "subject": {"rfc4514_string": "CN=h.example"},
        "issuer": {"rfc4514_string": "CN=CA"},
        "not_valid_before": "2026-01-01T00:00:00Z",
        "not_valid_after": "2027-06-01T00:00:00Z",
        "public_key": {"algorithm": "RSAPublicKey", "key_size": 2048},
    }
    results = [
        {"trust_store": {"name": f"store {n}"}, "was_validation_successful": error is None, "validation_error": error}
        for n, error in enumerate(errors)
    ]
    deployment = {"received_certificate_chain": [valid | (leaf or {})], "path_validation_results": results}
    return {"certificate_info": {"certificate_deployments": [deployment | more]}}


OTHER_HOST = "validation failed: leaf certificate has no matching subjectAltName (encountered …)"
TOO_OLD = "validation failed: cert is not valid at validation time (encountered …)"
NO_PATH = "validation failed: candidates exhausted: all candidates exhausted with no interior errors"
SELF_SIGNED = {"issuer": {"rfc4514_string": "CN=h.example"}}


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (certificate(), {}),
        (certificate(errors=(OTHER_HOST,)), {"certificate-hostname-mismatch": "high"}),
        (certificate(leaf_certificate_subject_matches_hostname=False), {"certificate-hostname-mismatch": "high"}),
        (certificate(SELF_SIGNED, (NO_PATH,)), {"certificate-self-signed": "high"}),
        (certificate(errors=(NO_PATH, NO_PATH)), {"certificate-untrusted": "high"}),
        (certificate(errors=(NO_PATH, None)), {"certificate-untrusted": "medium"}),
        (certificate({"not_valid_after": "2026-11-22T00:00:00Z"}, (TOO_OLD,)), {"certificate-expired": "high"}),
        (certificate({"not_valid_after": "2026-12-01T00:00:00"}), {"certificate-expires-soon": "low"}),
        (certificate({"not_valid_before": "2026-11-24T00:00:00Z"}, (TOO_OLD,)), {"certificate-not-yet-valid": "high"}),
        (certificate(verified_chain_has_sha1_signature=True), {"certificate-sha1": "medium"}),
        (certificate(verified_chain_has_legacy_symantec_anchor=True), {"certificate-symantec": "medium"}),
        (certificate(received_chain_has_valid_order=False), {"certificate-chain-order": "low"}),
        (
            certificate({"public_key": {"algorithm": "_RSAPublicKey", "key_size": 1024}}),
            {"certificate-short-key": "medium"},
        ),
        (certificate({"public_key": {"algorithm": "EllipticCurvePublicKey", "key_size": 256}}), {}),
        (
            certificate({"public_key": {"algorithm": "_EllipticCurvePublicKey", "key_size": 192}}),
            {"certificate-short-key": "medium"},
        ),
        (certificate({"not_valid_after": "nonsense"}), {}),
    ],
)
def test_a_certificate_is_judged_by_what_was_received(info: dict[str, Any], expected: dict[str, str]) -> None:
    assert rules(report(info)) == expected


@pytest.mark.parametrize(
    ("error", "expected"), [("certificate has expired", ["certificate-expired"]), (None, [])], ids=["expired", "valid"]
)
def test_without_a_date_of_the_scan_the_validator_decides_what_has_expired(
    error: str | None, expected: list[str]
) -> None:
    found = report(certificate({"not_valid_after": "2020-01-01T00:00:00"}, (error,)), date=None)
    assert [finding.rule for finding in found] == expected
