"""Requests that Schemathesis makes up from the OpenAPI document, and what became of them.

It runs its own phases: the document's examples, every boundary of every field, random requests (as documented, and
broken in every way), and sequences along the links between operations.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext

from beyond_schema import NARROWED, beyond_schema
from secapi_dev.commands.openapi import DOCUMENT
from two_tenants import Tenant, mixed


@schemathesis.check
class TenantsStayApart:
    """No success may tell anything of a stranger: a namespace, or an id of something in it."""

    def __init__(self, strangers: Sequence[str] = ()) -> None:
        """With what the caller must never be told."""
        self._strangers = [stranger.encode() for stranger in strangers]

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        """Refusals repeat what was asked for; successes must not know it."""
        told = [each for each in self._strangers if response.status_code < 400 and each in response.content]
        if told:
            raise Failure(operation=case.operation.label, message=f"the answer tells of {told[0].decode()}")
        return None


@dataclass(frozen=True)
class Plan:
    """How much is sent: random requests for each operation, sequences of operations, and with or without boundaries."""

    seed: int
    examples: int
    sequences: int
    coverage: bool = True

    def configuration(
        self,
        url: str,
        directory: Path,
        caller: str,
        keys: Mapping[str, str],
        tenants: Sequence[Tenant],
        strangers: Sequence[str],
    ) -> dict[str, Any]:
        """Every check, as ``caller`` of ``keys``, mostly in the first one of ``tenants`` and with the ids of all.

        The first two of ``keys`` must not see what the other one makes.
        """
        users = directory / "users.json"
        users.write_text(json.dumps({"auth": [_user(name, key) for name, key in keys.items()]}))
        given = _given(tenants)
        return {
            "base-url": url,
            "seed": self.seed,
            "max-stream-events": 5,
            "continue-on-failure": True,
            "dictionaries": {place: {"values": values} for place, values in given.items()},
            "parameters": {place: {"dictionary": place, "probability": 0.6} for place in given},
            "auth": {"wfc": {"path": str(users), "user": caller, "peers": list(keys)[:2]}},
            "generation": {"no-shrink": True, "database": "none"},
            "phases": {
                "coverage": {"enabled": self.coverage},
                "fuzzing": {"generation": {"max-examples": self.examples}},
                "stateful": {"generation": {"max-examples": self.sequences}},
            },
            "checks": {"TenantsStayApart": {"strangers": list(strangers)}, **NARROWED},
        }


@dataclass
class Outcome:
    """What a run did; ``failures`` is empty if every answer was as it must be."""

    caller: str
    seed: int
    seconds: float = 0.0
    cases: Counter[str] = field(default_factory=Counter)
    """By operation."""

    phases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    """The first one of each kind, with the command that shows it again."""

    def take(self, recorder: ScenarioRecorder, phase: str) -> None:
        """Count one scenario."""
        for case_id, node in recorder.cases.items():
            interaction = recorder.interactions.get(case_id)
            if interaction is not None and interaction.response is not None:
                self.cases[node.value.operation.label] += 1
                self.phases[phase] += 1
                self.statuses[interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                self.checks[check.name] += 1
                if check.failure_info is not None:
                    answer = recorder.interactions[case_id].response
                    said = (answer.content if answer is not None else None) or b""
                    shown = f"{check.failure_info.failure}\n{check.failure_info.code_sample}\n{said[:500]!r}"
                    self.failures.setdefault(f"{recorder.cases[case_id].value.operation.label}: {check.name}", shown)

    def told(self) -> str:
        """The failures for people."""
        return "".join(f"\nFAILED {what}\n{how}\n" for what, how in sorted(self.failures.items()))

    def summary(self) -> str:
        """A table of cases by operation, and what they came to."""
        return "\n".join(
            [
                f"{self.caller}: {self.cases.total():,} cases in {self.seconds:.0f} s, seed {self.seed}",
                *(f"{count:7,} {operation}" for operation, count in sorted(self.cases.items())),
                f"phases: {_counted(self.phases)}",
                f"answers: {_counted(self.statuses)}",
                f"checks: {_counted(self.checks)}",
            ]
        )


def run(configuration: dict[str, Any], caller: str) -> Outcome:
    """Send it all; blocks until it is over."""
    config = SchemathesisConfig.from_dict(configuration)
    schema = schemathesis.openapi.from_dict(_document(), config=config)

    @schema.hook
    def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
        return not beyond_schema(failure, response)

    outcome, started = Outcome(caller, config.seed), time.monotonic()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                outcome.take(event.recorder, event.phase.value)
            case events.NonFatalError():
                outcome.failures[f"{event.label}: error"] = str(event.info)
            case events.FatalError():
                raise event.exception
            case events.EngineFinished():
                outcome.failures |= {f"after the run: {failure.title}": str(failure) for failure in event.failures}
    outcome.seconds = time.monotonic() - started
    return outcome


def _document() -> dict[str, Any]:
    """As it is checked in, with the events of streams where Schemathesis, like OpenAPI 3.2, looks for them."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    for path in document["paths"].values():
        for operation in path.values():
            if stream := operation["responses"].get("200", {}).get("content", {}).get("text/event-stream"):
                stream["itemSchema"] = stream.pop("x-itemSchema")
                del stream["schema"]
    return document


def _given(tenants: Sequence[Tenant]) -> dict[str, list[str]]:
    """What is often sent instead of a made-up value: ids that exist, whosesoever, and what makes a scan acceptable."""
    ids = mixed(tenants)
    namespaces = [tenant.namespace for tenant in tenants]
    return {f"path.{name}": values for name, values in ids.items()} | {
        "path.namespace": namespaces,
        "query.namespace": namespaces,
        "body.namespace": [namespaces[0]] * 5 + namespaces[1:],
        "body.userId": ids["userId"],
        "body.spec.scanners[*].name": ["web"],
        "body.spec.targets[*].url": ["https://shop.example/"],
    }


def _user(name: str, key: str) -> dict[str, Any]:
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}


def _counted(counter: Counter[Any]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counter.items()))
