"""Everything in this repository that is written in PromQL: alerting rules, the dashboard, the runbooks."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from secapi_dev import paths

FILES = paths.CHECKOUT / "charts" / "secapi" / "files"
RULES = FILES / "alerts" / "secapi.yaml"
DASHBOARD = FILES / "dashboards" / "secapi.json"
RUNBOOKS = paths.CHECKOUT / "docs" / "runbooks"

_VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$namespace": ".*", "$pool": ".*", "$scanner": ".*"}
"""What Grafana puts in their place."""


@dataclass(frozen=True)
class Query:
    """One expression and where it is."""

    where: str
    expression: str


def rules() -> list[dict[str, Any]]:
    """All rules, of whatever group."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Alerting rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recordings() -> dict[str, str]:
    """Expressions of recording rules by the names they record."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels that show something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def queries() -> list[Query]:
    """All expressions as Prometheus gets them."""
    return [*_of_rules(), *_of_panels(), *_of_variables(), *_of_runbooks()]


def fenced(text: str, language: str) -> list[str]:
    """The code blocks of a Markdown page that are in ``language``."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _of_rules() -> Iterator[Query]:
    for rule in rules():
        yield Query(rule.get("alert") or rule["record"], rule["expr"])


def _of_panels() -> Iterator[Query]:
    for panel in panels():
        for target in panel["targets"]:
            yield Query(f"{panel['title']} {target['refId']}", _filled_in(target["expr"]))


def _of_variables() -> Iterator[Query]:
    for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]  # it matches, or the test fails
            yield Query(f"variable {variable['name']}", f"count by ({label}) ({metric})")


def _of_runbooks() -> Iterator[Query]:
    for page in sorted(RUNBOOKS.glob("Secapi*.md")):
        for number, expression in enumerate(fenced(page.read_text(), "promql"), start=1):
            yield Query(f"{page.stem}.md {number}", expression)


def _filled_in(expression: str) -> str:
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    return expression
