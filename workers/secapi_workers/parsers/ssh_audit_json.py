"""ssh-audit's JSON report (``--json``, 2.x and 3.x): one finding per algorithm that should not be there, and per CVE.

ssh-audit says it twice: notes on each algorithm (``fail``, ``warn``) and, for servers whose software it knows,
recommendations to remove, change or add one. Both end up in the one finding of that algorithm. Severity is the worse
of the two: ``fail`` and ``critical`` are high, ``warn`` and ``warning`` medium, ``informational`` info; additions are
info. CVEs are rated by their CVSS score. The anchor is the algorithm's name. Additional notes are findings of level
info.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import NAME_LIMIT, Finding, Location, Quarantined, Severity, clean
from secapi_workers.parsers.bounds import ParseLimits, bounded, invalid
from secapi_workers.parsers.fields import (
    Malformed,
    cves,
    details,
    integer,
    number,
    obj,
    objects,
    required,
    severity_of_score,
    sub,
    text,
    texts,
)
from secapi_workers.parsers.json_stream import JsonEntries

_CATEGORIES = {"kex": "key exchange", "key": "host key", "enc": "cipher", "mac": "MAC"}
_LEVELS = {
    "fail": Severity.HIGH,
    "critical": Severity.HIGH,
    "warn": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "informational": Severity.INFO,
}
_ACTIONS = {"del": "should be removed", "chg": "should be changed", "add": "should be added"}
_WORST_FIRST = list(Severity)
_MAX_ALGORITHMS = 2_000
_MAX_NOTES = 20
_NOTE_LIMIT = 2_000


@dataclass(slots=True)
class _Algorithm:
    """Everything the report says against one algorithm."""

    severity: Severity = Severity.INFO
    notes: dict[str, list[str]] = field(default_factory=dict)
    action: str = ""
    level: str = ""
    advice: str = ""
    keysize: int | None = None

    def worsen(self, level: str) -> None:
        """Let the severity follow one of ssh-audit's words."""
        self.severity = min(self.severity, _LEVELS.get(level, Severity.INFO), key=_WORST_FIRST.index)


@bounded
def parse(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
    """Findings of an ssh-audit report of one server; ``stream`` is read twice, since its name comes last in it."""
    location = _server(stream, limits)
    stream.seek(0)
    lists = [f"{category}.item" for category in _CATEGORIES]
    algorithms: dict[tuple[str, str], _Algorithm] = {}
    for entry in JsonEntries(stream, limits, *lists, "recommendations.*", "cves.item", "additional_notes.item"):
        try:
            match entry.path:
                case "cves.item":
                    yield _cve_finding(location, obj(entry.value))
                case "additional_notes.item":
                    yield _note_finding(location, entry.value)
                case "recommendations.*":
                    _add_recommendations(algorithms, str(entry.at[0]), obj(entry.value))
                case path:
                    _add_algorithm(algorithms, path.removesuffix(".item"), obj(entry.value))
        except Malformed as problem:
            yield Quarantined(entry.position, str(problem), "")
        if len(algorithms) > _MAX_ALGORITHMS:
            raise JobFailed(FailureReason.OUTPUT_TOO_LARGE, "the report lists more algorithms than any server has")
    for (category, name), algorithm in algorithms.items():
        yield _algorithm_finding(location, category, name, algorithm)


def _server(stream: BinaryIO, limits: ParseLimits) -> Location:
    """Host and port of the server; raises ``JobFailed`` if it never said that it speaks SSH."""
    entries = JsonEntries(stream, limits, "target", "banner", "kex.item", "recommendations.*")
    target, banner = "", {}
    for entry in entries:
        if entry.path == "target":
            target = entry.value if isinstance(entry.value, str) else ""
        elif entry.path == "banner":
            banner = entry.value if isinstance(entry.value, dict) else {}
    if not entries.has("recommendations") and not entries.has("kex"):
        raise invalid("the report is not an ssh-audit report: it has neither 'recommendations' nor 'kex'")
    if not text(banner, "raw"):
        raise JobFailed(FailureReason.TARGET_UNREACHABLE, f"{target or 'the target'} did not answer as an SSH server")
    host, _, port = target.rpartition(":")
    number_of_port = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else None
    return Location(host=host.strip("[]") if number_of_port else target, port=number_of_port, protocol="tcp")


def _add_algorithm(algorithms: dict[tuple[str, str], _Algorithm], category: str, entry: dict[str, Any]) -> None:
    """Keep an offered algorithm if there is a note against it."""
    name = clean(required(entry, "algorithm"), NAME_LIMIT)
    for level in ("fail", "warn"):
        if notes := texts(sub(entry, "notes"), level):
            algorithm = algorithms.setdefault((category, name), _Algorithm())
            algorithm.worsen(level)
            algorithm.notes[level] = [clean(note, _NOTE_LIMIT) for note in notes[:_MAX_NOTES]]
            algorithm.keysize = integer(entry, "keysize")


def _add_recommendations(algorithms: dict[tuple[str, str], _Algorithm], level: str, actions: dict[str, Any]) -> None:
    """Keep what is recommended; ``actions`` is action → category → list of algorithms."""
    for action in _ACTIONS:
        for category in _CATEGORIES:
            for entry in objects(sub(actions, action), category):
                algorithm = algorithms.setdefault((category, clean(required(entry, "name"), NAME_LIMIT)), _Algorithm())
                algorithm.action, algorithm.level = action, clean(level, _NOTE_LIMIT)
                algorithm.advice = clean(text(entry, "notes"), _NOTE_LIMIT)
                if action != "add":
                    algorithm.worsen(level)


def _algorithm_finding(location: Location, category: str, name: str, algorithm: _Algorithm) -> Finding:
    kind = _CATEGORIES[category]
    problems = [note for notes in algorithm.notes.values() for note in notes]
    verdict = _ACTIONS.get(algorithm.action) or "is weak"
    return Finding(
        rule=f"missing-{category}" if algorithm.action == "add" else f"weak-{category}",
        title=f"SSH {kind} algorithm {name} {verdict}" + (f": {problems[0]}" if problems else ""),
        severity=algorithm.severity,
        location=location,
        anchor=name,
        description="\n".join(problems),
        remediation=algorithm.advice,
        cwes=() if algorithm.action == "add" else (327,),
        details=details(
            notes=algorithm.notes,
            recommendation=algorithm.action and {"action": algorithm.action, "level": algorithm.level},
            keySize=algorithm.keysize,
        ),
    )


def _cve_finding(location: Location, vulnerability: dict[str, Any]) -> Finding:
    name, score = required(vulnerability, "name"), number(vulnerability, "cvssv2")
    return Finding(
        rule=name,
        title=f"{name}: {text(vulnerability, 'description')}",
        severity=severity_of_score(score),
        location=location,
        vulnerability_ids=cves(name),
        cvss_score=score,
    )


def _note_finding(location: Location, value: object) -> Finding:
    """The anchor is the beginning of the note, since the rest can list the server's algorithms."""
    if not isinstance(value, str) or not value:
        raise Malformed("the note is not a text")
    return Finding(
        rule="note",
        title=value.partition(". ")[0],
        severity=Severity.INFO,
        location=location,
        anchor=value[:80],
        description=value,
        vulnerability_ids=cves(value[:_NOTE_LIMIT]),
    )
