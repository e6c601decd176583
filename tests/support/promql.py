"""What a PromQL expression asks of the metrics it reads: their names, labels, and values of labels.

Parsed by ``promql-parser``, a port of Prometheus' own grammar; that Prometheus itself takes the expressions is for
promtool to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as promql


@dataclass(frozen=True)
class Use:
    """One selector: its metric, the labels that series must have to serve it, and its matchers."""

    metric: str
    labels: frozenset[str]
    matchers: tuple[promql.Matcher, ...]


def uses(expression: str) -> list[Use]:
    """Every selector of ``expression``; raises ValueError if it cannot be parsed or uses what it has summed away."""
    return list(_uses(promql.parse(expression), frozenset()))


def _uses(node: promql.Expr, needed: frozenset[str]) -> Iterator[Use]:
    """``needed`` are the labels that what surrounds ``node`` expects of its result."""
    match node:
        case promql.AggregateExpr():
            yield from _uses(node.expr, _below(node, needed))
        case promql.BinaryExpr():
            matching = node.modifier.matching if node.modifier else None
            if matching and matching.type == promql.LabelModifierType.Include:
                needed = needed.union(matching.labels)
            yield from _uses(node.lhs, needed)
            yield from _uses(node.rhs, needed)
        case promql.Call():
            bucketed = {"le"} if node.func.name == "histogram_quantile" else set()
            for argument in node.args:
                yield from _uses(argument, needed | bucketed)
        case promql.MatrixSelector():
            yield from _uses(node.vector_selector, needed)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from _uses(node.expr, needed)
        case promql.VectorSelector():
            matchers = tuple(node.matchers.matchers)
            yield Use(str(node.name), needed.union(matcher.name for matcher in matchers), matchers)
        case promql.NumberLiteral() | promql.StringLiteral():
            pass
        case _:
            raise TypeError(f"unknown kind of expression: {node}")


def _below(aggregation: promql.AggregateExpr, needed: frozenset[str]) -> frozenset[str]:
    """What an aggregation expects of its operand."""
    modifier = aggregation.modifier
    if modifier and modifier.type == promql.AggModifierType.Without:
        kept, expected = needed.isdisjoint(modifier.labels), needed.union(modifier.labels)
    else:
        labels = frozenset(modifier.labels if modifier else ())
        kept, expected = needed <= labels, labels
    if not kept:
        raise ValueError(f"{aggregation.prettify()} drops labels that are needed: {sorted(needed)}")
    return expected
