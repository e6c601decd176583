"""Values that a JSON Schema of the OpenAPI document allows, every alternative of every field among them."""

from collections.abc import Iterator
from typing import Any

TEXT = {"date-time": "2026-11-26T09:30:00.123456Z", "uuid": "0198c5a2-6d6e-7c3a-9d4f-5a2f6f1c8e11"}


class Samples:
    """Samples of one document's component schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]

    def schema(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._schemas[name]
        return found

    def of(self, name: str) -> Iterator[Any]:
        """Objects in which one field after the other takes each of its alternatives."""
        yield from self._values(self.schema(name))

    def _values(self, schema: dict[str, Any]) -> Iterator[Any]:
        if reference := schema.get("$ref"):
            yield from self._values(self.schema(reference.rpartition("/")[2]))
        elif alternatives := schema.get("anyOf"):
            for alternative in alternatives:
                yield from self._values(alternative)
        elif words := schema.get("enum"):
            yield from words
        elif schema.get("type") == "object" and "properties" in schema:
            yield from self._objects(schema["properties"])
        elif isinstance(values := schema.get("additionalProperties"), dict):
            yield from ({"anything": value} for value in self._values(values))
        else:
            yield from _plain(schema, list(self._values(schema["items"])) if "items" in schema else [])

    def _objects(self, properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
        values = {name: list(self._values(schema)) for name, schema in properties.items()}
        usual = {name: found[0] for name, found in values.items()}
        yield usual
        for name, found in values.items():
            for value in found[1:]:
                yield {**usual, name: value}


def _plain(schema: dict[str, Any], items: list[Any]) -> Iterator[Any]:
    match schema.get("type"):
        case "string":
            yield TEXT.get(schema.get("format", ""), "text")
        case "integer":
            yield 7
        case "number":
            yield from (9.8, 10)
        case "boolean":
            yield from (True, False)
        case "null":
            yield None
        case "array":
            yield from ([], items)
        case "object":
            yield {"anything": [1, {"at": "all"}]}
        case kind:
            raise AssertionError(f"no sample for {kind}")
