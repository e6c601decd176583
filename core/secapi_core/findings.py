"""What a scanner found, as parsers produce it and the ledger stores it.

A parser turns a report into a stream of these; nothing here touches I/O. Every text is bounded and free of NUL when
the object exists, so a hostile report cannot make a row that Postgres refuses (promise P11).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TITLE_LIMIT = 500
TEXT_LIMIT = 16_384
NAME_LIMIT = 500
LIST_LIMIT = 50
DETAILS_LIMIT = 32_768
"""Bytes of a finding's ``details`` as JSON; larger ones are replaced by a note that says so."""


class Severity(StrEnum):
    """Five steps, worst first; a tool's own words are mapped by its parser."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Confidence(StrEnum):
    """How sure the tool is; absent where the tool does not say."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


def clean(text: object, limit: int) -> str:
    """``text`` as a string of at most ``limit`` characters without NUL or lone surrogates (UTF-8 encodable)."""
    value = (text if isinstance(text, str) else ("" if text is None else str(text)))[:limit]
    if "\0" in value:
        value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where: in a file, at a network endpoint or at a URL; the fields that do not apply stay empty.

    ``start_line`` and ``end_line`` count from 1. ``path`` is relative to the scanned tree, with ``/``.
    """

    path: str = ""
    start_line: int | None = None
    end_line: int | None = None
    host: str = ""
    port: int | None = None
    protocol: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        """Bound every text and keep only line and port numbers that make sense."""
        for name in ("path", "host", "protocol", "url"):
            object.__setattr__(self, name, clean(getattr(self, name), 2_000))
        for name, ceiling in (("start_line", 2**31 - 1), ("end_line", 2**31 - 1), ("port", 65_535)):
            value = getattr(self, name)
            if value is not None and not 0 < value <= ceiling:
                object.__setattr__(self, name, None)

    def __str__(self) -> str:
        """``src/a.py:12``, ``host:443/tcp`` or a URL: what a person reads in a table."""
        if self.path:
            return f"{self.path}:{self.start_line}" if self.start_line else self.path
        if self.url:
            return self.url
        endpoint = f"{self.host}:{self.port}" if self.port else self.host
        return f"{endpoint}/{self.protocol}" if self.protocol else endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing one scanner reported at one place.

    ``rule`` is the scanner's own stable identifier. ``anchor`` tells apart findings of one rule in one place without
    using a line number: the offending code with white space folded, the cipher's name, the plugin's matched item.
    Identity is made of rule, stable location and anchor (``secapi_core.fingerprints``), never of severity or prose.
    """

    rule: str
    title: str
    severity: Severity
    location: Location = field(default_factory=Location)
    anchor: str = ""
    description: str = ""
    remediation: str = ""
    confidence: Confidence | None = None
    cwes: tuple[int, ...] = ()
    vulnerability_ids: tuple[str, ...] = ()
    cvss_score: float | None = None
    cvss_vector: str = ""
    references: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bound every text and list; a rule or title that is empty says so instead of vanishing."""
        put = object.__setattr__
        put(self, "rule", clean(self.rule, NAME_LIMIT).strip() or "unknown")
        put(self, "title", clean(self.title, TITLE_LIMIT).strip() or self.rule)
        put(self, "anchor", clean(self.anchor, TEXT_LIMIT))
        put(self, "description", clean(self.description, TEXT_LIMIT))
        put(self, "remediation", clean(self.remediation, TEXT_LIMIT))
        put(self, "cvss_vector", clean(self.cvss_vector, NAME_LIMIT))
        put(self, "cwes", tuple(n for n in self.cwes[:LIST_LIMIT] if 0 < n < 2**31))
        put(self, "vulnerability_ids", tuple(clean(v, 100) for v in self.vulnerability_ids[:LIST_LIMIT]))
        put(self, "references", tuple(clean(r, 2_000) for r in self.references[:LIST_LIMIT]))
        if self.cvss_score is not None and not 0.0 <= self.cvss_score <= 10.0:
            put(self, "cvss_score", None)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An entry of a report that could not be made a finding; stored with the attempt, the rest of the report counts."""

    position: int
    problem: str
    excerpt: str

    def __post_init__(self) -> None:
        """Keep an excerpt a person can recognise, no more."""
        object.__setattr__(self, "problem", clean(self.problem, 300))
        object.__setattr__(self, "excerpt", clean(self.excerpt, 500))
