"""The table of values and the generated parts of the schema, from comments."""

import json

import pytest
from pydantic.alias_generators import to_camel

from secapi_dev import paths
from secapi_dev.chart import schema, table
from secapi_dev.chart.comments import Documented, documented
from secapi_dev.commands import values
from secapi_dev.errors import StackError

EXAMPLE = """\
# A comment that is about nothing in particular.

one:
  # -- How many; a comment may go
  # on.
  count: 2
  # Not marked.
  # -- Whole | blocks too.
  block: {a: [1], b: {}}
# -- The last.
two: null
"""


def test_a_value_has_the_comment_above_it() -> None:
    assert documented(EXAMPLE) == [
        Documented(("one", "count"), 2, "How many; a comment may go on."),
        Documented(("one", "block"), {"a": [1], "b": {}}, "Whole | blocks too."),
        Documented(("two",), None, "The last."),
    ]


@pytest.mark.parametrize("text", ["one:\n  two: 3\n", "# Not marked.\none: 2\n", "# -- Far away.\n\none: {}\n"])
def test_a_value_without_a_comment_is_an_error(text: str) -> None:
    with pytest.raises(StackError, match=r'the value one(\.two)? has no comment that begins with "# --"'):
        documented(text)


def test_the_table_goes_below_the_mark() -> None:
    page = table.with_table(f"Above.\n{table.MARK}old\n", documented(EXAMPLE))
    assert page.startswith(f"Above.\n{table.MARK}\n| Value | Default | Meaning |\n")
    assert '| `one.block` | `{"a": [1], "b": {}}` | Whole \\| blocks too. |\n' in page
    assert "old" not in page
    assert table.with_table(page, documented(EXAMPLE)) == page


def test_a_page_without_the_mark_is_an_error() -> None:
    with pytest.raises(StackError, match="has no line"):
        table.with_table("Above.\n", [])


def test_the_files_are_what_would_be_generated() -> None:
    values.command(check=True)


def test_filling_in_the_schema_twice_changes_nothing() -> None:
    kept = json.loads((paths.CHART / "values.schema.json").read_text())
    assert schema.filled_in(kept, documented((paths.CHART / "values.yaml").read_text())) == kept


@pytest.mark.parametrize("definition", schema.SETTINGS)
def test_what_has_a_value_of_its_own_is_no_setting(definition: str) -> None:
    offered = schema.filled_in(json.loads((paths.CHART / "values.schema.json").read_text()), [])["definitions"]
    fixed = {to_camel(name.removeprefix(schema.PREFIX).lower()) for name in schema.FIXED}
    assert not offered[definition]["properties"].keys() & fixed
