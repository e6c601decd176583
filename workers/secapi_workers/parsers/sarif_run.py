"""What a SARIF run says about its results before, after or between them: rules, artifacts, invocations.

SARIF lets these stand anywhere in a run, also behind the results that refer to them, so they are collected in a pass of
their own. Only what findings need is kept, cut to size.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from secapi_core.findings import clean
from secapi_workers.parsers.bounds import ParseLimits, invalid
from secapi_workers.parsers.fields import integer, items, number, objects, sub, text, texts
from secapi_workers.parsers.json_stream import Entry, JsonEntries

_DRIVER_RULE = "runs.item.tool.driver.rules.item"
_EXTENSION_RULE = "runs.item.tool.extensions.item.rules.item"
_ARTIFACT = "runs.item.artifacts.item"
_INVOCATION = "runs.item.invocations.item"

_MAX_RULES = 10_000
_MAX_ARTIFACTS = 50_000
_MAX_INVOCATIONS = 100
_PROSE = 1_000


@dataclass(frozen=True, slots=True)
class Rule:
    """A ``reportingDescriptor``, cut to size."""

    id: str = ""
    name: str = ""
    level: str = ""
    short: str = ""
    full: str = ""
    help: str = ""
    help_uri: str = ""
    precision: str = ""
    score: float | None = None
    tags: tuple[str, ...] = ()
    messages: Mapping[str, str] = field(default_factory=dict)


NO_RULE = Rule()


@dataclass(slots=True)
class Run:
    """One element of ``runs`` without its results."""

    rules: dict[str, Rule] = field(default_factory=dict)
    components: dict[int, list[Rule]] = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    overrides: dict[tuple[int, str], str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def rule_of(self, result: dict[str, Any]) -> Rule:
        """The rule that a result names by id, by a more specific id (``CA1000/1``), or by its index."""
        reference = sub(result, "rule")
        name = text(result, "ruleId") or text(reference, "id")
        for candidate in (name, name.rpartition("/")[0]):
            if candidate in self.rules:
                return self.rules[candidate]
        index = integer(result, "ruleIndex") if "ruleIndex" in result else integer(reference, "index")
        component = integer(sub(reference, "toolComponent"), "index")
        rules = self.components.get(-1 if component is None else component, [])
        return rules[index] if index is not None and 0 <= index < len(rules) else NO_RULE

    def level_of(self, result: dict[str, Any], rule: Rule) -> str:
        """The level of a result by SARIF 2.1.0, 3.27.10; ``none`` for a kind other than ``fail``."""
        if (text(result, "kind") or "fail") != "fail":
            return "none"
        invocation = integer(sub(result, "provenance"), "invocationIndex")
        override = "" if invocation is None else self.overrides.get((invocation, rule.id), "")
        return text(result, "level") or override or rule.level or "warning"


def read_runs(stream: BinaryIO, limits: ParseLimits) -> dict[int, Run]:
    """The runs by their index; one that says nothing of interest may be left out."""
    entries = JsonEntries(stream, limits, "version", _DRIVER_RULE, _EXTENSION_RULE, _ARTIFACT, _INVOCATION)
    runs: dict[int, Run] = {}
    rules = artifacts = 0
    for entry in entries:
        if entry.path == "version":
            _check_version(entry.value)
            continue
        run = runs.setdefault(int(entry.at[0]), Run())
        value = entry.value if isinstance(entry.value, dict) else {}
        if entry.path == _ARTIFACT:
            artifacts += 1
            if artifacts <= _MAX_ARTIFACTS:
                run.artifacts.append(clean(text(sub(value, "location"), "uri"), _PROSE))
        elif entry.path == _INVOCATION:
            _add_invocation(run, entry.position, value)
        else:
            rules += 1
            if rules <= _MAX_RULES:
                _add_rule(run, entry, _rule(value))
    entries.require("runs", "a SARIF log")
    return runs


def _check_version(version: object) -> None:
    if not isinstance(version, str) or not version.startswith("2."):
        raise invalid(f"SARIF of version {clean(version, 20)!r} is not supported, only 2.x")


def _add_rule(run: Run, entry: Entry, rule: Rule) -> None:
    """Keep a rule under its id and its index; the tool's driver counts as component -1."""
    component = -1 if entry.path == _DRIVER_RULE else int(entry.at[1])
    run.components.setdefault(component, []).append(rule)
    run.rules.setdefault(rule.id, rule)


def _rule(descriptor: dict[str, Any]) -> Rule:
    properties = sub(descriptor, "properties")
    related = (sub(relation, "target") for relation in objects(descriptor, "relationships"))
    tags = texts(properties, "tags") + [str(cwe) for cwe in items(properties, "cwe")] + list(taxa(related))
    strings = sub(descriptor, "messageStrings")
    return Rule(
        id=clean(text(descriptor, "id"), 500),
        name=clean(text(descriptor, "name"), 500),
        level=clean(text(sub(descriptor, "defaultConfiguration"), "level"), 20),
        short=clean(text(sub(descriptor, "shortDescription"), "text"), _PROSE),
        full=clean(text(sub(descriptor, "fullDescription"), "text"), _PROSE),
        help=clean(text(sub(descriptor, "help"), "text"), _PROSE),
        help_uri=clean(text(descriptor, "helpUri"), _PROSE),
        precision=clean(text(properties, "precision"), 20),
        score=number(properties, "security-severity"),
        tags=tuple(clean(tag, 200) for tag in tags[:50]),
        messages={clean(name, 100): clean(text(sub(strings, name), "text"), _PROSE) for name in list(strings)[:20]},
    )


def taxa(references: Iterator[dict[str, Any]]) -> Iterator[str]:
    """``CWE-79`` for references into the taxonomy of weaknesses, which write it as ``79`` or ``CWE-79``."""
    for reference in references:
        if "cwe" in text(sub(reference, "toolComponent"), "name").lower():
            yield f"CWE-{text(reference, 'id').upper().removeprefix('CWE-')}"


def _add_invocation(run: Run, index: int, invocation: dict[str, Any]) -> None:
    """Keep what an invocation overrides and what went wrong in it."""
    if index >= _MAX_INVOCATIONS:
        return
    if invocation.get("executionSuccessful") is False:
        reason = text(invocation, "exitCodeDescription", "processStartFailureMessage")
        run.problems.append(clean(reason, _PROSE) or "the tool says that it did not succeed")
    for notification in objects(invocation, "toolExecutionNotifications"):
        if text(notification, "level") == "error" and len(run.problems) < _MAX_INVOCATIONS:
            run.problems.append(
                clean(text(sub(notification, "message"), "text"), _PROSE) or "the tool reports an error"
            )
    for override in list(objects(invocation, "ruleConfigurationOverrides"))[:_PROSE]:
        level = text(sub(override, "configuration"), "level")
        run.overrides[index, clean(text(sub(override, "descriptor"), "id"), 500)] = clean(level, 20)
