"""Reading untyped entries of a report: wrong types become absent values or ``Malformed``, never another error."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from secapi_core.findings import DETAILS_LIMIT, Finding, Quarantined, Severity, clean

_CWE = re.compile(r"(?:^\s*|CWE[-_ ]?)0*(\d{1,6})(?!\d)", re.IGNORECASE)
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}", re.IGNORECASE)
_SAFE_INTEGER = 2**53
_DETAIL_TEXT = 2_000
_DETAIL_ITEMS = 50
_DETAIL_DEPTH = 5


class Malformed(ValueError):
    """An entry that cannot become a finding; the message says what is wrong with it."""


def obj(value: object, what: str = "the entry") -> dict[str, Any]:
    """``value`` if it is an object; raises ``Malformed`` otherwise (also if it was too large to be read)."""
    if isinstance(value, dict):
        return value
    raise Malformed(f"{what} is {_kind(value)}, not an object")


def _kind(value: object) -> str:
    if isinstance(value, type):
        return "too large"
    names = {type(None): "null", bool: "a boolean", str: "a text", list: "an array"}
    return names.get(type(value), "a number")


def sub(entry: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The object at ``keys``, empty if anything on the way is not an object."""
    value: Any = entry
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(entry: Mapping[str, Any], key: str) -> list[Any]:
    """The array at ``key``; a single value that is no array counts as an array of one, an absent one as empty."""
    value = entry.get(key)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects(entry: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    """The objects in the array at ``key``."""
    return (item for item in items(entry, key) if isinstance(item, dict))


def text(entry: Mapping[str, Any], *keys: str) -> str:
    """The first of ``keys`` that is a text that is not blank, or a number; empty if there is none."""
    for key in keys:
        value = entry.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
    return ""


def texts(entry: Mapping[str, Any], key: str) -> list[str]:
    """The texts in the array at ``key`` that are not blank."""
    return [item for item in items(entry, key) if isinstance(item, str) and item.strip()]


def required(entry: Mapping[str, Any], *keys: str) -> str:
    """As ``text``, but raises ``Malformed`` where there is none."""
    if value := text(entry, *keys):
        return value
    raise Malformed(f"the entry has no {keys[0]!r}")


def integer(entry: Mapping[str, Any], key: str) -> int | None:
    """A whole number at ``key``, also one that is written as a text or with ``.0``."""
    value = entry.get(key)
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value, re.ASCII):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _SAFE_INTEGER:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(entry: Mapping[str, Any], key: str) -> float | None:
    """A finite number at ``key``, also one that is written as a text."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def cwes(values: Iterable[object]) -> tuple[int, ...]:
    """CWE numbers from ``79``, ``"CWE-79: …"`` or ``"external/cwe/cwe-079"``, each once."""
    found = (_CWE.search(str(value)[:200]) for value in values if isinstance(value, (str, int)))
    return tuple(dict.fromkeys(int(match[1]) for match in found if match))


def cves(*values: str) -> tuple[str, ...]:
    """CVE identifiers that occur in ``values``, each once, in upper case."""
    return tuple(dict.fromkeys(name.upper() for value in values for name in _CVE.findall(value)))


def folded(code: str) -> str:
    """``code`` with white space folded, so that reformatting does not make a new finding of it."""
    return " ".join(code.split())


def details(**values: Any) -> dict[str, Any]:
    """Extra facts as plain JSON of at most ``DETAILS_LIMIT`` bytes, without those that are empty."""
    pruned = {key: _prune(value, _DETAIL_DEPTH) for key, value in values.items()}
    kept = {key: value for key, value in pruned.items() if value not in (None, "", [], {})}
    size = len(orjson.dumps(kept))
    return kept if size <= DETAILS_LIMIT else {"note": f"details of {size} bytes are left out"}


def _prune(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean(value, _DETAIL_TEXT)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < _SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_DETAIL_ITEMS]
        return {clean(key, 200): _prune(item, depth - 1) for key, item in pairs}
    if isinstance(value, (list, tuple)):
        return [_prune(item, depth - 1) for item in value[:_DETAIL_ITEMS]]
    return None


def converted(value: object, position: int, make: Callable[[dict[str, Any]], Finding]) -> Finding | Quarantined:
    """What ``make`` makes of an entry, quarantined where it raises ``Malformed`` or the entry is no object."""
    try:
        return make(obj(value))
    except Malformed as problem:
        return Quarantined(position, str(problem), "" if isinstance(value, type) else str(_prune(value, 3)))


def severity_of_score(score: float | None) -> Severity:
    """The severity that CVSS 3 gives a score; none at all counts as medium, since something was reported."""
    if score is None:
        return Severity.MEDIUM
    steps = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for least, severity in steps if score >= least), Severity.INFO)
