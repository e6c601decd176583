"""Objects for Prometheus and Grafana, from whatever files the chart has."""

import json
import shutil
from pathlib import Path

import pytest

from rendering import VALUES, Rendering, render
from secapi_dev import paths
from secapi_dev.charttools.templating import Helm

MONITORS = ("ServiceMonitor", "PodMonitor")

ALERTS = """\
groups:
- name: example
  rules:
  - record: example:jobs
    expr: sum(secapi_queue_jobs)
  - alert: Example
    expr: example:jobs > 1e3
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} jobs of {{ $labels.pool }}"}
"""
DASHBOARD = {"title": "Example", "panels": [{"legendFormat": "{{pool}}"}]}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart with one file of alerts and one dashboard."""
    copy = tmp_path / "secapi"
    shutil.copytree(paths.CHART, copy)
    for folder, name, content in [
        ("alerts", "example.yaml", ALERTS),
        ("dashboards", "example.json", json.dumps(DASHBOARD)),
    ]:
        shutil.rmtree(copy / "files" / folder, ignore_errors=True)
        (copy / "files" / folder).mkdir()
        (copy / "files" / folder / name).write_text(content)
    return copy


@pytest.fixture
async def monitored(chart: Path, helm: Helm) -> Rendering:
    return await render(helm, VALUES["everything"], chart=chart)


def test_nothing_is_monitored_unless_asked_for(external: Rendering) -> None:
    assert external.kind(*MONITORS, "PrometheusRule") == []


def test_every_component_is_scraped(everything: Rendering) -> None:
    scraped = {
        found["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for found in everything.kind(*MONITORS)
    }
    assert scraped == {"api", "operator", "worker"}


@pytest.mark.parametrize("component", ["api", "operator"])
def test_a_service_monitor_finds_its_service(component: str, everything: Rendering) -> None:
    service, monitor = everything.one("Service", component), everything.one("ServiceMonitor", component)
    assert service["metadata"]["labels"].items() >= monitor["spec"]["selector"]["matchLabels"].items()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_the_pod_monitor_finds_every_pool(everything: Rendering) -> None:
    monitor = everything.one("PodMonitor", "worker")
    for pool in ("network", "code", "raw"):
        labels = everything.pod(f"worker-{pool}")["metadata"]["labels"]
        assert labels.items() >= monitor["spec"]["selector"]["matchLabels"].items()


def test_alerts_keep_their_own_templates_and_get_labels(monitored: Rendering) -> None:
    rule = monitored.one("PrometheusRule", "example")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    [group] = rule["spec"]["groups"]
    recording, alert = group["rules"]
    assert recording == {"record": "example:jobs", "expr": "sum(secapi_queue_jobs)"}
    assert alert["annotations"]["summary"] == "{{ $value }} jobs of {{ $labels.pool }}"
    assert alert["labels"] == {"severity": "warning", "team": "security"}


def test_dashboards_are_what_their_files_hold(monitored: Rendering) -> None:
    found = monitored.one("ConfigMap", "dashboard-example")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["example.json"]) == DASHBOARD


async def test_without_files_there_is_nothing_to_make(chart: Path, helm: Helm) -> None:
    for folder in ("alerts", "dashboards"):
        shutil.rmtree(chart / "files" / folder)
    rendering = await render(helm, VALUES["everything"], chart=chart)
    assert rendering.kind("PrometheusRule") == []
