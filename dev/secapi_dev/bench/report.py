"""What was measured, as a table for people and as a file for programs."""

import json
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from secapi_dev.bench.budgets import BUDGETS
from secapi_dev.bench.laboratory import Figures
from secapi_dev.bench.machine import Facts
from secapi_dev.bench.parts import Part


def table(figures: Mapping[Part, Figures]) -> Table:
    """Every figure with its budget, if it has one, and whether it is met."""
    rows = Table("part", "figure", "value", "budget", "met")
    for part, values in figures.items():
        for name, value in values.items():
            budget = BUDGETS.get((part, name))
            met = "" if budget is None else "yes" if budget.met(value) else "[bold red]no[/]"
            rows.add_row(part, name, str(value), str(budget or ""), met)
    return rows


def write(figures: Mapping[Part, Figures], facts: Facts, path: Path) -> None:
    """Write the figures by part, below ``machine`` where they were measured."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"machine": facts} | dict(figures), indent=2) + "\n")
