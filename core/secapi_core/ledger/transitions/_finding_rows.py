"""A finding as a row: the values that COPY sends, in the order of ``CONTENT_COLUMNS``. Pure."""

from hashlib import blake2b
from typing import Any

from secapi_core.bounded_json import bounded_json, storable_bytes, storable_json
from secapi_core.findings import DETAILS_LIMIT, Finding, Location

CONTENT_COLUMNS = (
    "rule",
    "severity",
    "confidence",
    "title",
    "description",
    "remediation",
    "location",
    "cwes",
    "vulnerability_ids",
    "cvss_score",
    "cvss_vector",
    "links",
    "details",
)
"""What a scanner says about a finding and may say differently next time."""

Content = tuple[Any, ...]


def content(finding: Finding) -> Content:
    """The values of ``CONTENT_COLUMNS``; ``jsonb`` columns as text, the score with its one decimal."""
    return (
        finding.rule,
        finding.severity,
        finding.confidence,
        finding.title,
        finding.description,
        finding.remediation,
        location_json(finding.location),
        finding.cwes,
        finding.vulnerability_ids,
        None if finding.cvss_score is None else f"{finding.cvss_score:.1f}",
        finding.cvss_vector,
        finding.references,
        bounded_json(finding.details, DETAILS_LIMIT),
    )


def content_digest(values: Content) -> bytes:
    """16 bytes that are equal for equal content."""
    return blake2b(storable_bytes(values), digest_size=16).digest()


def location_json(location: Location) -> str:
    """The fields that are set, named as in REST and the custom resources."""
    fields = (
        ("path", location.path),
        ("startLine", location.start_line),
        ("endLine", location.end_line),
        ("host", location.host),
        ("port", location.port),
        ("protocol", location.protocol),
        ("url", location.url),
    )
    return storable_json({name: value for name, value in fields if value})
