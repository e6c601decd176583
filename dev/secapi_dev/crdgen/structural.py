"""From a Pydantic type to the structural OpenAPI v3 schema that a CustomResourceDefinition must have.

Pydantic makes JSON Schema with references and ``null`` unions; a structural schema has neither. Constraints bring their
Kubernetes extensions in the core schema's metadata (``secapi_core.crds.constraints``).
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from secapi_core.crds.base import Model
from secapi_core.crds.constraints import DOCUMENTED, STRUCTURAL, Constraint

Schema = dict[str, Any]

_RULES = "x-kubernetes-validations"
_COPIED = (
    "type",
    "format",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
)
_INT32_MAX = 2**31 - 1


def structural_schema(model: type[BaseModel]) -> Schema:
    """The schema of ``model`` with everything in place, fields in the order in which they are defined."""
    document = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)
    return _structural(document, document.get("$defs", {}))


class _Generator(GenerateJsonSchema):
    """JSON Schema with what constraints add to it, and with the defaults that factories make."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """Add what an annotated constraint left in the metadata; core schemas are dictionaries of many types."""
        metadata = schema.get("metadata", {})
        documented = metadata.get(DOCUMENTED, {})
        plain = {name: value for name, value in super().generate_inner(schema).items() if name not in documented}
        return _merged(plain, metadata.get(STRUCTURAL, {}))

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Add the constraints over several fields."""
        constraints: tuple[Constraint, ...] = getattr(schema["cls"], "CONSTRAINTS", ())
        json_schema = super().model_schema(schema)
        for constraint in constraints:
            json_schema = _merged(json_schema, constraint.structural)
        return json_schema

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Pydantic leaves out what a factory makes; the apiserver must fill in the same."""
        if "default_factory" not in schema:
            return super().default_schema(schema)
        value = cast("Any", schema["default_factory"])()
        wire = value.to_wire() if isinstance(value, Model) else to_jsonable_python(value)
        return {**self.generate_inner(schema["schema"]), "default": wire}


def _merged(schema: Schema, extensions: Mapping[str, Any]) -> Schema:
    """``schema`` with ``extensions``: rules add up, anything else replaces what was there."""
    merged = {**schema, **extensions}
    if _RULES in schema and _RULES in extensions:
        merged[_RULES] = [*schema[_RULES], *extensions[_RULES]]
    return merged


def _structural(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """One node and everything below it."""
    schema = _in_place(schema, definitions)
    result: Schema = {"description": _flowing(schema["description"])} if schema.get("description") else {}
    result |= {keyword: schema[keyword] for keyword in _COPIED if schema.get(keyword) is not None}
    if "const" in schema:
        result["enum"] = [schema["const"]]
    if schema.get("type") == "integer":
        result["format"] = "int32" if schema.get("maximum", _INT32_MAX + 1) <= _INT32_MAX else "int64"
    if "items" in schema:
        result["items"] = _structural(schema["items"], definitions)
    if "properties" in schema:
        result["properties"] = {name: _structural(part, definitions) for name, part in schema["properties"].items()}
    additional = schema.get("additionalProperties", False)
    if additional is True:
        result["x-kubernetes-preserve-unknown-fields"] = True
    elif additional:
        result["additionalProperties"] = _structural(additional, definitions)
    return result | {keyword: value for keyword, value in schema.items() if keyword.startswith("x-kubernetes-")}


def _in_place(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """``schema`` without reference and without its ``null`` alternative: in Kubernetes a field is absent instead."""
    if "$ref" in schema:
        definition = _in_place(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        if "enum" in definition:
            # An enum's docstring speaks to readers of the code.
            definition = _without(definition, "description")
        return _merged(definition, _without(schema, "$ref"))
    if "anyOf" in schema:
        [alternative] = [part for part in schema["anyOf"] if part != {"type": "null"}]
        return _merged(_in_place(alternative, definitions), _without(schema, "anyOf"))
    return schema


def _without(schema: Schema, keyword: str) -> Schema:
    return {name: value for name, value in schema.items() if name != keyword}


def _flowing(text: str) -> str:
    """Paragraphs as one line each: kubectl breaks lines itself."""
    return "\n".join(re.sub(r"\s*\n\s*", " ", paragraph.strip()) for paragraph in text.split("\n\n"))
