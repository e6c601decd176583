"""Budgets, the table that shows them, and the file."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from secapi_dev.bench.budgets import BUDGETS, Budget
from secapi_dev.bench.parts import Part
from secapi_dev.bench.report import table, write


@pytest.mark.parametrize(
    ("budget", "value", "met"),
    [
        (Budget(4), 4, True),
        (Budget(4), 4.01, False),
        (Budget(0.75, at_least=True), 0.75, True),
        (Budget(0.75, at_least=True), 0.74, False),
    ],
)
def test_a_budget_is_met_up_to_and_with_its_limit(budget: Budget, value: float, met: bool) -> None:
    assert budget.met(value) is met


def test_every_budget_belongs_to_a_part() -> None:
    assert {part for part, _ in BUDGETS} <= set(Part)


def test_the_table_says_which_budgets_are_met() -> None:
    console = Console(width=120, record=True)
    console.print(table({Part.OPERATOR: {"live_scans": 20_000, "rss_mb": 181.0, "steady_seconds": 9.5}}))
    rows = [line.replace("│", " ").split() for line in console.export_text().splitlines() if "operator" in line]
    assert rows == [
        ["operator", "live_scans", "20000"],
        ["operator", "rss_mb", "181.0", "≤", "180", "no"],
        ["operator", "steady_seconds", "9.5", "≤", "15", "yes"],
    ]


def test_the_file_has_the_machine_and_the_figures_by_part(tmp_path: Path) -> None:
    write({Part.API: {"get_to_plain": 0.7}}, {"cores": 2}, tmp_path / "build" / "bench.json")
    assert json.loads((tmp_path / "build" / "bench.json").read_text()) == {
        "machine": {"cores": 2},
        "api": {"get_to_plain": 0.7},
    }
