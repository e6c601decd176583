"""From a Scanner's template, parameters and a target to an argv: pure, and the only place where argv is made.

The operator builds one to refuse bad input before anything runs; the worker builds the one it runs. No shell is ever
involved, each template value becomes exactly one argument, and text from outside can become neither an option nor a
control sequence. Whether parameters fit ``parametersSchema`` is checked before, by ``secapi_core.parameters``.

A list in ``{parameters.NAME}`` is joined with commas; ``forEach`` gives its items one by one. The template's grammar is
in ``secapi_core.templates``.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from secapi_core.crds.scanner import Argument, ScannerSpec
from secapi_core.crds.scanrequest import Target
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.targets import bracketed
from secapi_core.templates import TemplateError, fill

VALUE_LIMIT = 4_096
ITEMS_LIMIT = 256

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where things are for one run, absolute: the scanned tree (if any), the report, the run's directory, the rules."""

    output: str
    workdir: str
    rules: str
    source: str = ""


def target_fields(target: Target, pinned_address: str = "") -> dict[str, str]:
    """What ``{target.FIELD}`` can name for ``target``; fields that do not apply are absent.

    Both network targets have ``host``, ``urlHost`` (an IPv6 address in brackets), ``ports`` if any are named and
    ``port`` if that is a single one. ``pinnedAddress`` is the address that was resolved and checked against the policy;
    ``ipv6`` is set if it is one.
    """
    fields = {}
    if target.url is not None:
        fields = _url_fields(target.url)
    elif target.host is not None:
        fields = _host_fields(target.host.address, target.host.ports or "")
    elif target.image is not None:
        fields = {"reference": target.image.reference}
    if pinned_address:
        fields |= {"pinnedAddress": pinned_address} | ({"ipv6": "true"} if ":" in pinned_address else {})
    return fields


def _url_fields(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return {"url": url, "scheme": parts.scheme} | _host_fields(parts.hostname or "", str(port))


def _host_fields(host: str, ports: str) -> dict[str, str]:
    fields = {"host": host, "urlHost": bracketed(host)}
    if ports:
        fields["ports"] = ports
    if ports.isdecimal():
        fields["port"] = ports
    return fields


def build_argv(
    spec: ScannerSpec,
    parameters: Mapping[str, Any],
    target: Mapping[str, str],
    paths: Paths,
    *,
    scanner_index: int = 0,
    target_index: int = 0,
) -> list[str]:
    """The argv of one run, ``spec.command`` first.

    ``parameters`` are complete: defaults are filled in (``secapi_core.parameters``). ``target`` is what
    ``target_fields`` gives. Raises ``Rejected`` with the pointer of the value that may not be an argument.
    """
    scope = _Scope(parameters, target, paths, f"/scanners/{scanner_index}", f"/targets/{target_index}")
    return [spec.command, *(value for argument in spec.arguments for value in _expand(argument, scope))]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What names stand for during one expansion, and where to point when a value is refused."""

    parameters: Mapping[str, Any]
    target: Mapping[str, str]
    paths: Paths
    scanner_pointer: str
    target_pointer: str
    item: str = ""

    def raw(self, name: str) -> Any:
        """The value that ``parameters.NAME`` or ``target.FIELD`` has, ``None`` where it has none."""
        kind, _, key = name.partition(".")
        return self.parameters.get(key) if kind == "parameters" else self.target.get(key)

    def text(self, name: str) -> str:
        """What the placeholder ``name`` becomes in an argument."""
        if name == "item":
            return self.item
        if name in Paths.__slots__:
            return str(getattr(self.paths, name))
        value = self.raw(name)
        if value is None:
            raise TemplateError(f"{{{name}}} has no value here; guard it with when, or give the parameter a default")
        return ",".join(self.items(name, forbidden=",")) if isinstance(value, list) else self.checked(name, value)

    def items(self, name: str, forbidden: str = "") -> list[str]:
        """A list parameter's items as arguments; none may hold the ``forbidden`` character."""
        values = self.raw(name) or []
        if not isinstance(values, list) or len(values) > ITEMS_LIMIT:
            raise self.rejected(name, f"is not a list of at most {ITEMS_LIMIT} values")
        items = [self.checked(name, value) for value in values]
        if forbidden and any(forbidden in item for item in items):
            raise self.rejected(name, f"has an item with {forbidden!r}, which separates items here")
        return items

    def checked(self, name: str, value: object) -> str:
        """``value`` as one argument, or ``Rejected``."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, (str, int, float)) or (isinstance(value, float) and not math.isfinite(value)):
            raise self.rejected(name, "is not a text, a number, a boolean or a list of texts")
        if problem := _problem(str(value)):
            raise self.rejected(name, problem)
        return str(value)

    def rejected(self, name: str, problem: str) -> Rejected:
        """The error that names the field at fault."""
        kind, _, key = name.partition(".")
        if kind == "parameters":
            pointer = f"{self.scanner_pointer}/parameters/{key}"
            return Rejected(FailureReason.INVALID_PARAMETER, pointer, f"parameter {key!r} {problem}")
        return Rejected(FailureReason.INVALID_SPEC, self.target_pointer, f"the target's {key} {problem}")


def _problem(text: str) -> str | None:
    """Why ``text`` may not be an argument."""
    if not text:
        return "is empty"
    if len(text) > VALUE_LIMIT:
        return f"is longer than {VALUE_LIMIT} characters"
    if text.startswith("-"):
        return "begins with '-', which a scanner would read as an option"
    if _CONTROL.search(text):
        return "holds a control character"
    return None


def _expand(argument: Argument, scope: _Scope) -> Iterator[str]:
    """The arguments of one step: none where its guard fails, one set per item under ``forEach``."""
    if argument.when and not _is_set(scope.raw(argument.when)):
        return
    if argument.unless and _is_set(scope.raw(argument.unless)):
        return
    scopes = [scope]
    if argument.for_each is not None:
        scopes = [replace(scope, item=item) for item in scope.items(argument.for_each)]
    for inner in scopes:
        for template in argument.values:
            yield fill(template, inner.text)


def _is_set(value: object) -> bool:
    """Whether a guard counts ``value`` as there: zero is, while false, empty text and an empty list are not."""
    return value is not None and value is not False and value not in ("", [])
