"""Weaknesses of the certificates that a server sent, from SSLyze's ``certificate_info``.

Expired, not yet valid, for another host, self-signed or not trusted by any store: high. Not trusted by some stores,
SHA-1 signatures, short keys: medium. Expiring within thirty days or sent in the wrong order: low.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from secapi_core.findings import Finding, Location, Severity
from secapi_workers.parsers.fields import details, integer, objects, sub, text

_SOON = timedelta(days=30)
_MIN_KEY_BITS = {"RSA": 2048, "DSA": 2048, "EllipticCurve": 224}

# What validators say of failures that have a rule of their own: cryptography (SSLyze 6) and OpenSSL (before).
_OTHER_HOST = ("no matching subjectaltname", "hostname mismatch")
_EXPIRED = ("has expired", "not valid at validation time")


@dataclass(frozen=True, slots=True)
class _Problem:
    rule: str
    title: str
    severity: Severity
    cwe: int = 295


def certificate_findings(location: Location, info: dict[str, Any], now: datetime | None) -> Iterator[Finding]:
    """Findings about each certificate that the server uses; without ``now`` dates are left to the validators."""
    for deployment in objects(info, "certificate_deployments"):
        leaf = next(objects(deployment, "received_certificate_chain"), {})
        facts = details(
            subject=text(sub(leaf, "subject"), "rfc4514_string"),
            issuer=text(sub(leaf, "issuer"), "rfc4514_string"),
            notBefore=text(leaf, "not_valid_before", "notBefore"),
            notAfter=text(leaf, "not_valid_after", "notAfter"),
            validation=sorted(set(_errors(deployment).values())),
        )
        for problem in _problems(deployment, leaf, now):
            yield Finding(
                rule=problem.rule,
                title=problem.title,
                severity=problem.severity,
                location=location,
                cwes=(problem.cwe,),
                details=facts,
            )


def _problems(deployment: dict[str, Any], leaf: dict[str, Any], now: datetime | None) -> Iterator[_Problem]:
    yield from _trust_problems(deployment, leaf)
    yield from _date_problems(deployment, leaf, now)
    yield from _strength_problems(deployment, leaf)


def _trust_problems(deployment: dict[str, Any], leaf: dict[str, Any]) -> Iterator[_Problem]:
    """A self-signed certificate is not also reported as untrusted, nor is one that failed for its host or its dates."""
    errors = _errors(deployment)
    matches = deployment.get("leaf_certificate_subject_matches_hostname")
    if matches is False or _any_says(errors, _OTHER_HOST):
        yield _Problem("certificate-hostname-mismatch", "The certificate is for another host", Severity.HIGH, 297)
    subject = text(sub(leaf, "subject"), "rfc4514_string")
    if subject and subject == text(sub(leaf, "issuer"), "rfc4514_string"):
        yield _Problem("certificate-self-signed", "The certificate is self-signed", Severity.HIGH)
        return
    unexplained = {store: error for store, error in errors.items() if not _says(error, _OTHER_HOST + _EXPIRED)}
    stores = len(list(objects(deployment, "path_validation_results")))
    if unexplained and len(unexplained) == stores:
        yield _Problem("certificate-untrusted", "No trust store trusts the certificate", Severity.HIGH)
    elif unexplained:
        names = ", ".join(sorted(unexplained))
        yield _Problem("certificate-untrusted", f"The certificate is not trusted by {names}", Severity.MEDIUM)


def _date_problems(deployment: dict[str, Any], leaf: dict[str, Any], now: datetime | None) -> Iterator[_Problem]:
    begins = moment(text(leaf, "not_valid_before", "notBefore"))
    ends = moment(text(leaf, "not_valid_after", "notAfter"))
    expired = _any_says(_errors(deployment), ("has expired",)) if now is None else bool(ends and ends < now)
    if expired:
        yield _Problem("certificate-expired", "The certificate has expired", Severity.HIGH, 298)
    elif now and ends and ends < now + _SOON:
        yield _Problem("certificate-expires-soon", "The certificate expires within 30 days", Severity.LOW, 298)
    if now and begins and begins > now:
        yield _Problem("certificate-not-yet-valid", "The certificate is not valid yet", Severity.HIGH, 298)


def _strength_problems(deployment: dict[str, Any], leaf: dict[str, Any]) -> Iterator[_Problem]:
    if deployment.get("verified_chain_has_sha1_signature") is True:
        yield _Problem("certificate-sha1", "A certificate of the chain is signed with SHA-1", Severity.MEDIUM, 328)
    if deployment.get("verified_chain_has_legacy_symantec_anchor") is True:
        title = "The chain ends in a Symantec root that browsers have removed"
        yield _Problem("certificate-symantec", title, Severity.MEDIUM)
    if deployment.get("received_chain_has_valid_order") is False:
        yield _Problem("certificate-chain-order", "The certificates are sent in the wrong order", Severity.LOW)
    public_key = sub(leaf, "public_key") or sub(leaf, "publicKey")
    bits = integer(public_key, "key_size") or integer(public_key, "size")
    algorithm = text(public_key, "algorithm").removeprefix("_")
    least = next((size for name, size in _MIN_KEY_BITS.items() if algorithm.startswith(name)), 0)
    if bits is not None and bits < least:
        yield _Problem("certificate-short-key", f"The certificate's key has only {bits} bits", Severity.MEDIUM, 326)


def _errors(deployment: dict[str, Any]) -> dict[str, str]:
    """Why each trust store refused the chain; those that accepted it are left out."""
    errors = {}
    for number, result in enumerate(objects(deployment, "path_validation_results")):
        error = text(result, "validation_error", "openssl_error_string")
        if error or result.get("was_validation_successful") is False:
            errors[text(sub(result, "trust_store"), "name") or f"store {number}"] = error or "not valid"
    return errors


def _says(error: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in error.lower() for phrase in phrases)


def _any_says(errors: dict[str, str], phrases: tuple[str, ...]) -> bool:
    return any(_says(error, phrases) for error in errors.values())


def moment(value: str) -> datetime | None:
    """An ISO 8601 time, taken as UTC where it names no zone; ``None`` for anything else."""
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
