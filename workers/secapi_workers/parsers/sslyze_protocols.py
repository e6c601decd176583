"""Weaknesses of protocol versions, cipher suites and handshakes in SSLyze's results, and how bad each is.

Versions: SSL is high, TLS 1.0 and 1.1 medium (RFC 8996). Cipher suites below TLS 1.3, one finding each: without
encryption or authentication, or of export strength, high; RC4, DES and 3DES medium; the rest is fine. Known attacks
have the severity of their CVSS score.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from secapi_core.findings import Finding, Location, Severity
from secapi_workers.parsers.fields import details, integer, objects, sub, text

Results = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Weakness:
    """What a check that failed means."""

    rule: str
    severity: Severity
    title: str
    cwe: int
    cve: str = ""


_CLIENT_RENEGOTIATION = _Weakness(
    "client-renegotiation", Severity.MEDIUM, "Clients can renegotiate at will (denial of service)", 400, "CVE-2011-1473"
)
_ROBOT = "ROBOT: RSA key exchange can be decrypted"
_SCSV = "Downgrade protection (TLS_FALLBACK_SCSV) is missing"
_EMS = "The extended master secret extension (RFC 7627) is missing"

_CHECKS: Mapping[tuple[str, str, object], _Weakness] = {
    ("heartbleed", "is_vulnerable_to_heartbleed", True): _Weakness(
        "heartbleed", Severity.HIGH, "OpenSSL Heartbleed: memory of the server can be read", 125, "CVE-2014-0160"
    ),
    ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection", True): _Weakness(
        "ccs-injection", Severity.HIGH, "OpenSSL CCS injection: sessions can be hijacked", 326, "CVE-2014-0224"
    ),
    ("robot", "robot_result", "VULNERABLE_STRONG_ORACLE"): _Weakness(
        "robot", Severity.HIGH, _ROBOT, 203, "CVE-2017-13099"
    ),
    ("robot", "robot_result", "VULNERABLE_WEAK_ORACLE"): _Weakness(
        "robot", Severity.MEDIUM, f"{_ROBOT} with much effort", 203, "CVE-2017-13099"
    ),
    ("tls_compression", "supports_compression", True): _Weakness(
        "compression", Severity.MEDIUM, "TLS compression is on (CRIME)", 310, "CVE-2012-4929"
    ),
    ("session_renegotiation", "supports_secure_renegotiation", False): _Weakness(
        "insecure-renegotiation", Severity.MEDIUM, "Renegotiation is not secure (RFC 5746)", 295, "CVE-2009-3555"
    ),
    # The same check under the names that SSLyze 4 and SSLyze 3 gave it.
    ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", True): _CLIENT_RENEGOTIATION,
    ("session_renegotiation", "accepts_client_renegotiation", True): _CLIENT_RENEGOTIATION,
    ("tls_fallback_scsv", "supports_fallback_scsv", False): _Weakness("no-fallback-scsv", Severity.LOW, _SCSV, 757),
    ("tls_extended_master_secret", "supports_ems_extension", False): _Weakness(
        "no-extended-master-secret", Severity.LOW, _EMS, 287
    ),
    ("tls_1_3_early_data", "supports_early_data", True): _Weakness(
        "early-data", Severity.INFO, "TLS 1.3 early data is accepted and can be replayed", 294
    ),
}
"""Weaknesses by command, field of its result, and the value that the field must not have."""

_DEPRECATED = {
    "ssl_2_0_cipher_suites": ("SSL 2.0", Severity.HIGH),
    "ssl_3_0_cipher_suites": ("SSL 3.0", Severity.HIGH),
    "tls_1_0_cipher_suites": ("TLS 1.0", Severity.MEDIUM),
    "tls_1_1_cipher_suites": ("TLS 1.1", Severity.MEDIUM),
}
_VERSIONS = {name: version for name, (version, _) in _DEPRECATED.items()} | {"tls_1_2_cipher_suites": "TLS 1.2"}

_WEAK_CIPHERS = (
    ("_NULL_", Severity.HIGH, "does not encrypt"),
    ("_anon_", Severity.HIGH, "does not authenticate the server"),
    ("EXPORT", Severity.HIGH, "is of export strength"),
    ("RC4", Severity.MEDIUM, "uses RC4, whose output is biased"),
    ("RC2", Severity.MEDIUM, "uses RC2"),
    ("3DES", Severity.MEDIUM, "uses 3DES, whose blocks are short (SWEET32)"),
    ("_DES_", Severity.MEDIUM, "uses DES, whose keys are short"),
)


def protocol_findings(location: Location, results: Results) -> Iterator[Finding]:
    """What is wrong with the server at ``location`` apart from its certificates."""
    for (command, field, bad), weakness in _CHECKS.items():
        if sub(results, command).get(field) == bad:
            yield Finding(
                rule=weakness.rule,
                title=weakness.title,
                severity=weakness.severity,
                location=location,
                cwes=(weakness.cwe,),
                vulnerability_ids=(weakness.cve,) if weakness.cve else (),
            )
    yield from _deprecated_versions(location, results)
    yield from _weak_ciphers(location, results)
    yield from _missing_hsts(location, sub(results, "http_headers"))


def _deprecated_versions(location: Location, results: Results) -> Iterator[Finding]:
    for command, (version, severity) in _DEPRECATED.items():
        suites = [text(sub(suite, "cipher_suite"), "name") for suite in _accepted(results, command)]
        if suites:
            yield Finding(
                rule="deprecated-protocol",
                title=f"{version} is accepted",
                severity=severity,
                location=location,
                anchor=version,
                remediation=f"Turn {version} off; offer TLS 1.2 and TLS 1.3 only.",
                cwes=(327,),
                vulnerability_ids=("CVE-2014-3566",) if version == "SSL 3.0" else (),
                details=details(acceptedCipherSuites=suites),
            )


def _weak_ciphers(location: Location, results: Results) -> Iterator[Finding]:
    """One finding per weak suite, however many versions accept it."""
    weak: dict[str, tuple[Severity, str, list[str]]] = {}
    for command, version in _VERSIONS.items():
        for suite in (sub(accepted, "cipher_suite") for accepted in _accepted(results, command)):
            name = text(suite, "name")
            verdict = _cipher_problem(name, suite)
            if name and verdict:
                weak.setdefault(name, (*verdict, []))[2].append(version)
    for name, (severity, problem, versions) in weak.items():
        yield Finding(
            rule="weak-cipher",
            title=f"Cipher suite {name} {problem}",
            severity=severity,
            location=location,
            anchor=name,
            cwes=(327,),
            details=details(versions=versions),
        )


def _cipher_problem(name: str, suite: dict[str, Any]) -> tuple[Severity, str] | None:
    for part, severity, problem in _WEAK_CIPHERS:
        if part in f"{name}_":
            return severity, problem
    if suite.get("is_anonymous") is True:
        return Severity.HIGH, "does not authenticate the server"
    key_size = integer(suite, "key_size")
    return (Severity.MEDIUM, f"has keys of {key_size} bits") if key_size is not None and key_size < 112 else None


def _missing_hsts(location: Location, headers: dict[str, Any]) -> Iterator[Finding]:
    """Only where SSLyze got an answer in HTTP at all."""
    answered = "strict_transport_security_header" in headers and not text(headers, "http_error_trace")
    if answered and headers["strict_transport_security_header"] is None:
        yield Finding(
            rule="missing-hsts",
            title="No Strict-Transport-Security header: browsers can be kept on plain HTTP",
            severity=Severity.LOW,
            location=location,
            cwes=(319,),
        )


def _accepted(results: Results, command: str) -> Iterator[dict[str, Any]]:
    return objects(sub(results, command), "accepted_cipher_suites")
