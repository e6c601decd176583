"""Every expression of alerts, dashboard and runbooks against the metrics that a real SecAPI exports."""

import re

import httpx
import promql_parser
import pytest

from eventful_run import eventful_run
from exposition import TARGET_LABELS, Series, parsed
from monitoring import Query, queries, recordings
from promql import Use, uses
from running_stack import RunningStack
from secapi_core.failures import FailureReason
from secapi_dev.metrics_reference import documented

# The stack starts, and much happens to it, before the first of these tests runs.
pytestmark = pytest.mark.timeout(300)

QUERIES = {query.where: query for query in queries()}
OF_PROMETHEUS = {"up"}
"""Series that Prometheus makes for every target."""


@pytest.fixture(scope="module")
async def exported(stack: RunningStack) -> Series:
    """What all processes export after a run in which everything happened that is counted."""
    addresses = stack.facts["metrics"]
    async with eventful_run(stack), httpx.AsyncClient(timeout=30) as client:
        answers = [await client.get(url) for url in (addresses["api"], addresses["operator"], *addresses["worker"])]
    return parsed(answer.text for answer in answers)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_query_asks_for_metrics_labels_and_values_that_exist(query: Query, exported: Series) -> None:
    for use in uses(query.expression):
        if use.metric in OF_PROMETHEUS:
            assert use.labels <= TARGET_LABELS
        elif use.metric in recordings():
            assert use.labels <= recorded_labels(use.metric)
        else:
            assert_exported(use, exported)


def test_every_documented_metric_is_exported_by_a_real_run(exported: Series) -> None:
    samples = {metric.name + ("_count" if metric.kind == "histogram" else ""): metric for metric in documented()}
    labels = {name: set().union(*exported.get(name, [{"not exported": ""}])) for name in samples}
    assert labels == {name: set(metric.labels) for name, metric in samples.items()}


def test_reasons_that_submitters_answer_for_are_spelled_as_the_code_spells_them() -> None:
    (use,) = uses(recordings()["outcome:secapi_scans:increase30m"])
    (matcher,) = use.matchers
    assert set(matcher.value.split("|")) <= {reason.value for reason in FailureReason}


def recorded_labels(name: str) -> set[str]:
    expression = promql_parser.parse(recordings()[name])
    assert isinstance(expression, promql_parser.AggregateExpr)
    assert expression.modifier is not None
    return set(expression.modifier.labels)


def assert_exported(use: Use, exported: Series) -> None:
    assert use.metric in exported, use.metric
    series = exported[use.metric]
    labels = TARGET_LABELS.union(*series)
    assert use.labels <= labels, (use.metric, use.labels - labels)
    for matcher in use.matchers:
        if matcher.op in (promql_parser.MatchOp.Equal, promql_parser.MatchOp.Re) and matcher.name not in TARGET_LABELS:
            exact = re.escape(matcher.value) if matcher.op == promql_parser.MatchOp.Equal else matcher.value
            assert any(re.fullmatch(exact, labels.get(matcher.name, "")) for labels in series), (
                use.metric,
                str(matcher),
            )
