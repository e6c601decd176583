"""The dashboard is one that Grafana shows as it is meant: panels side by side, every query with its variables."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from monitoring import DASHBOARD, panels
from promql import uses
from secapi_dev.metrics_reference import documented

PAGE: dict[str, Any] = json.loads(DASHBOARD.read_text())
PANELS = {panel["title"]: panel for panel in panels()}
EVERYTHING = [*PANELS.values(), *(panel for panel in PAGE["panels"] if panel["type"] == "row")]
LABELS = {metric.name: set(metric.labels) for metric in documented()}
VARIABLES = {"namespace", "pool", "scanner"}
ROWS = ["Overview", "Queues and workers", "Scans and findings", "Operator", "API", "Database and broker", "Webhooks"]


def test_it_has_the_rows_and_variables_that_people_look_for() -> None:
    assert [panel["title"] for panel in PAGE["panels"] if panel["type"] == "row"] == ROWS
    assert [variable["name"] for variable in PAGE["templating"]["list"]] == [
        "datasource",
        "namespace",
        "pool",
        "scanner",
    ]
    assert PAGE["schemaVersion"] >= 42
    assert "id" not in PAGE  # a number would replace another dashboard of the Grafana that imports it


def test_panels_have_ids_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in EVERYTHING}) == len(EVERYTHING)
    assert [
        (a["title"], b["title"]) for a, b in combinations(EVERYTHING, 2) if overlap(a["gridPos"], b["gridPos"])
    ] == []
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in EVERYTHING)


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_says_what_it_shows_and_asks_the_chosen_data_source(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert {query["datasource"]["uid"] for query in [panel, *panel["targets"]]} == {"${datasource}"}
    assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_follows_every_variable_that_its_metrics_know(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        for use in uses(target["expr"].replace("$__rate_interval", "5m").replace("$__range", "1h")):
            followed = {matcher.name for matcher in use.matchers if matcher.value == f"${matcher.name}"}
            assert followed == LABELS.get(re.sub(r"_(bucket|count)$", "", use.metric), set()) & VARIABLES, use.metric


def overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    return all(a[low] < b[low] + b[size] and b[low] < a[low] + a[size] for low, size in (("x", "w"), ("y", "h")))
