"""JSON schemas in words, for tables of the reference pages. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
Link: TypeAlias = Callable[[str], str]
"""What stands for the schema of a name."""

_FORMATS = {"date-time": "time", "uuid": "UUID", "date": "date", "uri": "URI", "binary": "bytes"}


def type_words(schema: Schema, link: Link = str) -> str:
    """What kind of value it is: ``list of string``, ``integer, 1 to 200``, ``time or null``."""
    match schema:
        case {"$ref": str(reference)}:
            return link(reference.rpartition("/")[2])
        case {"anyOf": [*kinds]} | {"oneOf": [*kinds]} | {"allOf": [*kinds]}:
            return " or ".join(dict.fromkeys(type_words(kind, link) for kind in kinds))
        case {"enum": [*values]}:
            return ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            return f"`{value}`"
        case {"type": "array"}:
            return f"list of {type_words(schema.get('items', {}), link)}"
        case {"type": "object", "additionalProperties": Mapping() as values}:
            return f"map of {type_words(values, link)}"
        case {"type": "string", "format": str(name)}:
            return _FORMATS.get(name, name)
        case {"type": "integer" | "number"}:
            return f"{schema['type']}{_range(schema)}"
        case {"type": str(name)}:
            return name
        case _:
            return "anything"


def meaning_words(schema: Schema) -> str:
    """The description in one line, and the default if there is one that says something."""
    described = [schema, *schema.get("anyOf", ())]
    sentences = [next((one_line(each["description"]) for each in described if "description" in each), "")]
    if (default := schema.get("default")) not in (None, [], {}, ""):
        sentences.append(f"Default: `{json.dumps(default)}`.")
    return " ".join(filter(None, sentences))


def one_line(text: str) -> str:
    """Text of a docstring as it may stand in a cell of a table."""
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; nothing without rows."""
    if not rows:
        return ""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _range(schema: Schema) -> str:
    match schema:
        case {"minimum": least, "maximum": most}:
            return f", {least} to {most}"
        case {"minimum": least}:
            return f", at least {least}"
        case {"maximum": most}:
            return f", at most {most}"
        case _:
            return ""
