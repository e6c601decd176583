"""Constraints that hold in two places with one sentence: in the apiserver as CEL, in Python as a validator.

A constraint stands in ``Annotated[...]`` beside a field's type, or in a model's ``CONSTRAINTS`` where it concerns
several fields. Pydantic enforces ``check`` and shows ``documented`` in JSON Schema; the CRD generator reads
``structural`` from the core schema's metadata instead. So kubectl and REST refuse the same mistakes in the same words,
and REST's OpenAPI stays free of Kubernetes extensions.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

STRUCTURAL = "secapi_structural"
"""Key of a core schema's metadata under which a constraint's part of the structural schema is kept."""

DOCUMENTED = "secapi_documented"
"""The same for its part of every other JSON Schema, which the structural one does not need."""


# Annotations are hashed, and a mapping has no hash: constraints are compared by identity.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constraint:
    """One rule; ``check`` is ``None`` where Python has nothing to refuse: only the apiserver sees the old object."""

    message: str = ""
    check: Callable[[Any], bool] | None = None
    structural: Mapping[str, Any] = field(default_factory=dict)
    documented: Mapping[str, Any] = field(default_factory=dict)

    def enforce(self, value: Any) -> Any:
        """``value``, or pydantic's error with this constraint's sentence and nothing around it."""
        if self.check is not None and not self.check(value):
            raise PydanticCustomError("constraint", "{sentence}", {"sentence": self.message})
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate after the annotated type, and leave both parts where the generator finds them."""
        return core_schema.no_info_after_validator_function(
            self.enforce, handler(source), metadata={STRUCTURAL: self.structural, DOCUMENTED: self.documented}
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What JSON Schema has words for."""
        return {**handler(schema), **self.documented}


def rule(
    message: str,
    cel: str,
    check: Callable[[Any], bool] | None = None,
    *,
    path: str = "",
    documented: Mapping[str, Any] | None = None,
) -> Constraint:
    """A CEL rule over ``self``; ``path`` names the field to report below the annotated object, e.g. ``.cancel``."""
    validation = {"rule": cel, "message": message} | ({"fieldPath": path} if path else {})
    return Constraint(
        message=message,
        check=check,
        structural={"x-kubernetes-validations": [validation]},
        documented=documented or {},
    )


def text(message: str, *, like: str = "", unlike: str = "", unless: str = "") -> Constraint:
    """A string as ``pattern`` describes it."""
    return rule(message, *pattern(like=like, unlike=unlike, unless=unless))


def word(message: str, *, like: str) -> Constraint:
    """The same for what is short enough that its pattern tells a reader of the OpenAPI document something."""
    return rule(message, *pattern(like=like), documented={"pattern": f"^(?:{like})$"})


def keys(message: str, *, like: str) -> Constraint:
    """A map whose keys match ``like`` as a whole."""
    shape = re.compile(like)
    return rule(
        message,
        f"self.all(key, key.matches({_literal(f'^(?:{like})$')}))",
        lambda mapping: all(shape.fullmatch(key) for key in mapping),
        documented={"propertyNames": {"pattern": f"^(?:{like})$"}},
    )


def pattern(*, like: str = "", unlike: str = "", unless: str = "") -> tuple[str, Callable[[str], bool]]:
    """CEL and Python for: matches ``like`` as a whole, and ``unlike`` nowhere unless it matches ``unless`` as a whole.

    The expressions must mean the same to RE2 and to Python: no look-around, no back-references, no ``\\d`` or ``\\w``,
    no ignoring of case.
    """
    conditions = [f"self.matches({_literal(f'^(?:{like})$')})"] if like else []
    if unlike:
        lacks = f"!self.matches({_literal(unlike)})"
        conditions.append(f"(self.matches({_literal(f'^(?:{unless})$')}) || {lacks})" if unless else lacks)
    wanted, unwanted, exempt = (re.compile(expression) if expression else None for expression in (like, unlike, unless))

    def check(value: str) -> bool:
        if wanted and not wanted.fullmatch(value):
            return False
        return not (unwanted and unwanted.search(value)) or bool(exempt and exempt.fullmatch(value))

    return " && ".join(conditions), check


def immutable_but(model: type[BaseModel], *mutable: str) -> tuple[Constraint, ...]:
    """Rules for a field of type ``model``: of its fields only the ``mutable`` ones may change after creation."""
    message = f"is immutable, create another object instead; only {' and '.join(mutable)} may change"
    return tuple(
        rule(message, _unchanged(info.alias or name, optional=info.default is None), path=f".{info.alias or name}")
        for name, info in model.model_fields.items()
        if name not in mutable
    )


def _unchanged(name: str, *, optional: bool) -> str:
    """CEL. Optional chaining would be shorter, but its result has no size, and so an unbounded estimated cost."""
    equal = f"self.{name} == oldSelf.{name}"
    return f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {equal})" if optional else equal


def unique() -> Constraint:
    """A list of texts or numbers without equal items; server-side apply merges it as a set."""
    return Constraint(
        message="Duplicate value: no two items may be equal",
        check=_is_unique,
        structural={"x-kubernetes-list-type": "set"},
        documented={"uniqueItems": True},
    )


def unique_by(key: str) -> Constraint:
    """A list of objects that differ in ``key``; server-side apply merges its items by it (``listType: map``)."""
    return Constraint(
        message=f"Duplicate value: no two items may have the same {key}",
        check=lambda items: _is_unique(getattr(item, key) for item in items),
        structural={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]},
    )


def distinct(model: type[BaseModel]) -> Constraint:
    """A list without equal items of a ``model`` with exactly one field set; every leaf of it is text on one line.

    Comparing the objects themselves would be shorter in CEL, but every write of a hundred of them, status included,
    would cost the apiserver half a second; made into texts they take a twentieth of that.
    """
    fields = enumerate(_texts("item", model))
    item = "".join(f"{present} ? '{number}' + {text} : " for number, (present, text) in fields)
    return rule(
        "Duplicate value: no two items may be equal",
        f"[self.map(item, {item}'')].all(texts, texts.all(text, texts.indexOf(text) == texts.lastIndexOf(text)))",
        lambda items: _is_unique(item.model_dump_json() for item in items),
    )


def _texts(path: str, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """CEL for each field below ``path``: whether it is set, and what it says."""
    for name, info in model.model_fields.items():
        field_path = f"{path}.{info.alias or name}"
        kinds = [kind for kind in (info.annotation, *get_args(info.annotation)) if isinstance(kind, type)]
        nested = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        parts = [f"({present} ? {text} : '')" for present, text in _texts(field_path, nested)] if nested else []
        yield f"has({field_path})", r" + '\n' + ".join(parts) or field_path


def structural(**extensions: Any) -> Constraint:
    """Only what the CRD needs to say: ``structural(list_type="atomic")`` is ``x-kubernetes-list-type: atomic``."""
    return Constraint(structural={f"x-kubernetes-{name.replace('_', '-')}": v for name, v in extensions.items()})


def _literal(pattern: str) -> str:
    """A regular expression as a raw CEL string."""
    if "'" in pattern:
        raise ValueError(f"write the apostrophe in {pattern} as \\x27: it would end the CEL string")
    return f"r'{pattern}'"


def _is_unique(items: Iterable[object]) -> bool:
    return max(Counter(items).values(), default=1) == 1
