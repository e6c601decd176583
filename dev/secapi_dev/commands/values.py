"""``secapi-dev values``."""

import json

from secapi_dev import paths
from secapi_dev.chart import schema, table
from secapi_dev.chart.comments import documented
from secapi_dev.generated import Check, keep


def command(check: Check = False) -> None:
    """Write the chart's table of values and the generated parts of its schema, from the comments in values.yaml."""
    values = documented((paths.CHART / "values.yaml").read_text())
    readme, rules = paths.CHART / "README.md", paths.CHART / "values.schema.json"
    keep(readme, table.with_table(readme.read_text(), values).encode(), check=check, target="values")
    keep(
        rules,
        schema.text(schema.filled_in(json.loads(rules.read_text()), values)).encode(),
        check=check,
        target="values",
    )
