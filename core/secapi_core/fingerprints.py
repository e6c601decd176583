"""What makes a finding the same finding in the next scan: its identity, as 32 bytes.

Identity is a SHA-256 over a version and length-prefixed fields: namespace, target, scanner family, rule, stable
location, anchor, ordinal. Length prefixes keep text from moving between fields unnoticed. Severity, prose and line
numbers stay out: a tool that changes its mind about a severity, or a line added above, must not make a new finding.

The bytes are stored with every finding. Changing how they are made would close and recreate all of them, so it
needs a new ``IDENTITY_VERSION`` and a migration; golden vectors in the tests hold them fixed.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from secapi_core.findings import Finding, Location

IDENTITY_VERSION = "secapi.dev/finding/v1"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_KEY_BYTES = 16
"""Bytes of a digest kept while a report is read; 128 bits leave no chance of a collision in one report."""


def fingerprint(namespace: str, target_key: str, family: str, finding: Finding, ordinal: int) -> bytes:
    """The identity of the ``ordinal``-th finding (from 0) of its kind in one target; see ``identify``."""
    return _digest(
        IDENTITY_VERSION,
        namespace,
        target_key,
        family,
        finding.rule,
        *_stable_location(finding.location),
        finding.anchor,
        str(ordinal),
    )


def identify(
    namespace: str, target_key: str, family: str, findings: Iterable[Finding]
) -> Iterator[tuple[bytes, Finding]]:
    """Each distinct finding of one report with its identity, in the report's order.

    A finding that repeats another's identity and lines exactly is dropped. One that differs only in its lines (the
    same code twice in a file) is told apart by an ordinal in order of appearance. Holds about 250 bytes a finding,
    so what bounds the findings of a report bounds this too.
    """
    occurrences: dict[bytes, int] = {}
    seen: set[bytes] = set()
    for finding in findings:
        identity = fingerprint(namespace, target_key, family, finding, 0)
        kind, where = identity[:_KEY_BYTES], finding.location
        position = _digest(identity.hex(), str(where.start_line), str(where.end_line))[:_KEY_BYTES]
        if position in seen:
            continue
        seen.add(position)
        ordinal = occurrences.get(kind, 0)
        occurrences[kind] = ordinal + 1
        yield fingerprint(namespace, target_key, family, finding, ordinal) if ordinal else identity, finding


def _digest(*fields: str) -> bytes:
    """SHA-256 over the fields as UTF-8, each after its length in eight bytes, big-endian."""
    message = bytearray()
    for field in fields:
        encoded = field.encode()
        message += len(encoded).to_bytes(8, "big") + encoded
    return sha256(message).digest()


def _stable_location(location: Location) -> tuple[str, str, str, str, str]:
    """Path, host, port, protocol and URL in the one spelling that identity uses; always five fields."""
    return (
        location.path.removeprefix("./"),
        _canonical_host(location.host) if location.host else "",
        str(location.port or ""),
        location.protocol.lower(),
        _canonical_url(location.url) if location.url else "",
    )


@lru_cache(maxsize=1024)
def _canonical_host(host: str) -> str:
    """A host name in lower case without the final dot, or an IP address in its shortest form."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return str(ip_address(name))
    except ValueError:
        return name


@lru_cache(maxsize=1024)
def _canonical_url(url: str) -> str:
    """``url`` without fragment, default port and user, with its query's parameters in order; as it is if malformed."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, _canonical_host(parts.hostname or "")
    except ValueError:
        return url
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        netloc = f"{netloc}:{port}"
    query = "&".join(sorted(parts.query.split("&")))
    return urlunsplit((parts.scheme, netloc, parts.path or "/", query, ""))
