"""Taking secrets out of what leaves the platform. Pure."""

import re
from collections.abc import Iterable
from typing import Any

REMOVED = "[removed]"

_SHORTEST_SECRET = 6
"""Characters; shorter values would take too much else with them."""

_PATTERNS = (
    # Credentials in an address: scheme://user:password@host
    (re.compile(r"(?<=://)[^/\s@\"']+@"), f"{REMOVED}@"),
    # API keys of ours, secrets of webhooks, and whatever else is sent to prove who one is.
    (re.compile(r"\bsk_[A-Za-z0-9_\-.]+"), REMOVED),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]+"), REMOVED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=\-]+"), rf"\1 {REMOVED}"),
    # name=value and "name": "value" of what is called a secret.
    (
        re.compile(
            r"(?i)\b([\w-]*(?:passw(?:or)?d|secret|token|api[_-]?key|pepper)[\w-]*[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&)}]+"
        ),
        rf"\1{REMOVED}",
    ),
)


class Scrubber:
    """Knows the process's own secrets and what secrets look like."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """``secrets`` are replaced wherever they occur, the longest first."""
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def scrub(self, value: Any) -> Any:
        """A copy of a JSON value in which no string, and no key, holds a secret."""
        match value:
            case str():
                return self._text(value)
            case dict():
                return {self.scrub(name): self.scrub(item) for name, item in value.items()}
            case list() | tuple():
                return [self.scrub(item) for item in value]
            case _:
                return value

    def _text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(REMOVED, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text
