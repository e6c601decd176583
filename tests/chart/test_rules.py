"""Alerting rules by Prometheus' own tool: they are valid, and each fires when it should and only then.

The cases are in ``rules/``, in the format of ``promtool test rules``.
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring import RULES, alerts, queries
from secapi_dev.charttools.programs import PROMTOOL, find_or_build
from secapi_dev.progress import Progress

CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
SEVERITIES = {"critical", "warning"}

# Whoever is the first builds promtool.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="session")
async def promtool() -> Path:
    return await find_or_build(PROMTOOL, Progress())


def said(program: Path, *arguments: str | Path) -> str:
    """What the program says; the test fails with it if it fails."""
    run = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def expectations() -> dict[str, list[bool]]:
    """Alert → for each time at which a case looks at it, whether it fires."""
    found: dict[str, list[bool]] = {name: [] for name in alerts()}
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for look in case["alert_rule_test"]:
                found[look["alertname"]].append(bool(look["exp_alerts"]))
    return found


def test_prometheus_accepts_the_rules(promtool: Path) -> None:
    assert "SUCCESS" in said(promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_prometheus_accepts_every_query_of_dashboard_and_runbooks(promtool: Path, tmp_path: Path) -> None:
    rules = [{"record": f"check:query{number}", "expr": query.expression} for number, query in enumerate(queries())]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    said(promtool, "check", "rules", file)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_alerts_fire_when_they_should_and_only_then(promtool: Path, path: Path) -> None:
    said(promtool, "test", "rules", path)


@pytest.mark.parametrize(("alert", "fires"), expectations().items(), ids=alerts())
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: str, fires: list[bool]) -> None:
    assert set(fires) == {True, False}, alert


@pytest.mark.parametrize("rule", alerts().values(), ids=alerts())
def test_an_alert_says_how_bad_it_is_what_happens_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in SEVERITIES
    annotations = rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert annotations["runbook_url"].endswith(f"/docs/runbooks/{rule['alert']}.md")
