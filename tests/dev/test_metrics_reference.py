"""Metrics follow Prometheus' conventions, and the reference explains all of them."""

import re

import pytest

from secapi_dev.metrics_reference import LABELS, Documented, documented

METRICS = {metric.name: metric for metric in documented()}
UNITS = ("_seconds",)
FORBIDDEN_LABELS = {"target", "finding", "cve", "id", "job", "instance", "pod"}
"""Unbounded, or set by whoever scrapes."""


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_names_units_and_labels_are_conventional(metric: Documented) -> None:
    assert re.fullmatch(r"secapi_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.kind != "histogram" or metric.name.endswith(UNITS)
    assert set(metric.labels) <= LABELS.keys() - FORBIDDEN_LABELS
    assert metric.help
    assert not metric.help.endswith(".")


def test_every_explained_label_exists() -> None:
    assert {label for metric in METRICS.values() for label in metric.labels} == LABELS.keys()


def test_the_page_says_which_components_export_a_metric() -> None:
    exported = {name: metric.components for name, metric in METRICS.items()}
    assert exported["secapi_database_pool_connections"] == ("api", "operator", "worker")
    assert exported["secapi_kubernetes_writes_total"] == ("api", "operator")
    assert exported["secapi_worker_attempts_total"] == ("worker",)
