"""A detect-secrets baseline (``detect-secrets scan``, 1.x): one finding per secret, by file.

Every secret is high. One that was verified with the service it belongs to is critical; one that a person marked as no
secret in an audited baseline is info. The anchor is the secret's hash, which is all the report has of it, so a secret
stays the same finding when it moves within its file. Confidence follows the detector: those that look for entropy or
for a keyword are guesses, those that know a vendor's format are not.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

from secapi_core.findings import Confidence, Finding, Location, Quarantined, Severity
from secapi_workers.parsers.bounds import ParseLimits, bounded
from secapi_workers.parsers.fields import converted, details, integer, required
from secapi_workers.parsers.json_stream import JsonEntries

_GUESSES = {
    "Base64 High Entropy String": Confidence.LOW,
    "Hex High Entropy String": Confidence.LOW,
    "Secret Keyword": Confidence.MEDIUM,
    "Basic Auth Credentials": Confidence.MEDIUM,
}


@bounded
def parse(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
    """Findings of a detect-secrets baseline."""
    entries = JsonEntries(stream, limits, "results.*.item")
    for entry in entries:
        yield converted(entry.value, entry.position, partial(_finding, file_name=str(entry.at[0])))
    entries.require("results", "a detect-secrets baseline")


def _finding(secret: dict[str, Any], file_name: str) -> Finding:
    kind = required(secret, "type")
    audited = secret.get("is_secret")
    return Finding(
        rule=kind,
        title=f"Possible secret: {kind}",
        severity=_severity(verified=secret.get("is_verified") is True, audited=audited),
        confidence=_GUESSES.get(kind, Confidence.HIGH),
        location=Location(path=file_name, start_line=integer(secret, "line_number")),
        anchor=required(secret, "hashed_secret"),
        cwes=(798,),
        remediation="Revoke the secret, then keep its successor out of the source, for example in a secret store.",
        details=details(isVerified=secret.get("is_verified"), isSecret=audited),
    )


def _severity(*, verified: bool, audited: object) -> Severity:
    if audited is False:
        return Severity.INFO
    return Severity.CRITICAL if verified else Severity.HIGH
