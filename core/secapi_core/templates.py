"""The grammar of a Scanner's argv template, and the check that a template can always be expanded.

``{name}`` is a placeholder; ``{{`` and ``}}`` stand for the braces themselves. Names: ``parameters.NAME``,
``target.FIELD``, ``item`` (under ``forEach``), ``source``, ``output``, ``workdir``, ``rules``. What replaces a
placeholder is never looked at again, so a value cannot bring placeholders of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from secapi_core.crds.scanner import Argument, ScannerSpec
from secapi_core.crds.scanrequest import TargetType
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason

_PIECE = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+")

SOURCE_TYPES = frozenset({TargetType.REPOSITORY, TargetType.ARTIFACT})
"""Target types that become a tree of files before the scanner runs; only there ``{source}`` has a meaning."""

_ALWAYS: Mapping[TargetType, frozenset[str]] = {
    TargetType.URL: frozenset({"url", "scheme", "host", "urlHost", "port", "ports", "pinnedAddress"}),
    TargetType.HOST: frozenset({"host", "urlHost", "pinnedAddress"}),
    TargetType.IMAGE: frozenset({"reference"}),
    TargetType.REPOSITORY: frozenset(),
    TargetType.ARTIFACT: frozenset(),
}
_TARGET_FIELDS = frozenset({"port", "ports", "ipv6"}).union(*_ALWAYS.values())
"""Every field that ``secapi_core.argv.target_fields`` may give, and per type the ones that it always gives."""


class TemplateError(ValueError):
    """A template that cannot be expanded; ``check_template`` finds these before anything runs."""


def placeholders(template: str) -> Iterator[str]:
    """The names between braces in ``template``; raises ``TemplateError`` for a brace that has no partner."""
    for piece in _PIECE.findall(template):
        if piece in ("{", "}"):
            raise TemplateError(f"{template!r} has a brace without its partner; write {{{{ or }}}} for a literal brace")
        if piece.startswith("{") and piece != "{{":
            yield piece[1:-1]


def fill(template: str, lookup: Callable[[str], str]) -> str:
    """``template`` with each placeholder replaced by ``lookup(name)``."""
    names = placeholders(template)
    pieces = []
    for piece in _PIECE.findall(template):
        if piece in ("{{", "}}"):
            pieces.append(piece[0])
        else:
            pieces.append(lookup(next(names)) if piece.startswith("{") else piece)
    return "".join(pieces)


def check_template(spec: ScannerSpec) -> None:
    """Raise ``Rejected`` (pointer below the Scanner's ``/spec``) if some valid request could not be expanded.

    What the type does not say: every name is a declared parameter or a field of targets, and a placeholder has a value
    whenever its step applies, because it always has one or because the step's ``when`` asks for it.
    """
    for index, argument in enumerate(spec.arguments):
        try:
            _check_argument(spec, argument)
        except TemplateError as error:
            raise Rejected(FailureReason.INVALID_SPEC, f"/arguments/{index}", str(error)) from error


def _check_argument(spec: ScannerSpec, argument: Argument) -> None:
    for guard in filter(None, (argument.when, argument.unless, argument.for_each)):
        _check_known(spec, guard)
    if argument.for_each and _parameter(spec, argument.for_each).get("type") != "array":
        raise TemplateError(f"forEach: {argument.for_each} is not a parameter of type array")
    for template in argument.values:
        for name in placeholders(template):
            _check_placeholder(spec, argument, name)


def _check_placeholder(spec: ScannerSpec, argument: Argument, name: str) -> None:
    """That ``name`` is known and, wherever ``argument`` applies, has a value."""
    if name in ("output", "workdir", "rules", "item"):
        return
    if name == "source":
        if not SOURCE_TYPES.issuperset(spec.target_types):
            raise TemplateError("{source} is only known for targets of the types repository and artifact")
        return
    _check_known(spec, name)
    if name != argument.when and not _always_set(spec, name):
        raise TemplateError(f"{{{name}}} can be without a value; add when: {name}, or give the parameter a default")


def _check_known(spec: ScannerSpec, name: str) -> None:
    """That ``name`` is a declared parameter or a field of targets."""
    kind, _, key = name.partition(".")
    known = key in spec.parameters_schema.get("properties", {}) if kind == "parameters" else key in _TARGET_FIELDS
    if kind not in ("parameters", "target") or not known:
        raise TemplateError(f"{name!r} is neither parameters.NAME with a NAME of parametersSchema nor target.FIELD")


def _always_set(spec: ScannerSpec, name: str) -> bool:
    """Whether ``name`` has a value for every valid request."""
    kind, _, key = name.partition(".")
    if kind == "target":
        return all(key in _ALWAYS[target_type] for target_type in spec.target_types)
    return "default" in _parameter(spec, name) or key in spec.parameters_schema.get("required", [])


def _parameter(spec: ScannerSpec, name: str) -> Mapping[str, Any]:
    """The schema of the parameter that ``parameters.NAME`` names; empty for anything else."""
    schema = spec.parameters_schema.get("properties", {}).get(name.removeprefix("parameters."), {})
    return schema if isinstance(schema, Mapping) else {}
