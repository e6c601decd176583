"""SSLyze's JSON report (``--json_out``): 3.x (``scan_commands_results``) and 4.x to 6.x (``scan_result``).

One finding per weakness of a server, with rules of our own, since SSLyze rates nothing: ``sslyze_protocols`` and
``sslyze_certificates`` hold the rules and their severities. The XML of SSLyze 1.x and 2.x is not supported.

SSLyze exits with 0 whatever happens. A report without one scanned server fails the job: as TargetUnresolvable if a name
could not be resolved, as TargetUnreachable otherwise. Checks that could not be completed are quarantined.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import Finding, Location, Quarantined
from secapi_workers.parsers.bounds import ParseLimits, bounded
from secapi_workers.parsers.fields import Malformed, folded, integer, obj, required, sub, text
from secapi_workers.parsers.json_stream import Entry, JsonEntries
from secapi_workers.parsers.sslyze_certificates import certificate_findings, moment
from secapi_workers.parsers.sslyze_protocols import protocol_findings

_SERVERS = "server_scan_results.item"
_UNRESOLVED = "invalid_server_strings.item"


@bounded
def parse(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
    """Findings of an SSLyze report; ``stream`` is read twice, since the scan's date comes last in it."""
    finished = _finished_at(stream, limits)
    stream.seek(0)
    entries = JsonEntries(stream, limits, _SERVERS, _UNRESOLVED, "server_connectivity_errors.item")
    scanned, failure = 0, None
    for entry in entries:
        try:
            server = _server(entry)
        except Malformed as problem:
            yield Quarantined(entry.position, str(problem), "")
            continue
        if isinstance(server, JobFailed):
            failure = failure or server
            yield Quarantined(entry.position, server.failure.message, "")
            continue
        scanned += 1
        for command, reason in server.incomplete.items():
            yield Quarantined(entry.position, f"sslyze could not complete {command} on {server.location}: {reason}", "")
        yield from protocol_findings(server.location, server.results)
        yield from certificate_findings(server.location, sub(server.results, "certificate_info"), finished)
    entries.require("server_scan_results", "an SSLyze report")
    if not scanned:
        raise failure or JobFailed(FailureReason.TARGET_UNREACHABLE, "sslyze scanned no server")


@dataclass(frozen=True, slots=True)
class _Server:
    """One scanned server, whichever version wrote it: results by command, and why others have none."""

    location: Location
    results: Mapping[str, dict[str, Any]]
    incomplete: Mapping[str, str]


def _server(entry: Entry) -> _Server | JobFailed:
    """The server in ``entry``, or why it was not scanned."""
    value = obj(entry.value)
    if entry.path == _UNRESOLVED:
        problem = text(value, "error_message") or "invalid server"
        return JobFailed(FailureReason.TARGET_UNRESOLVABLE, f"sslyze: {text(value, 'server_string')}: {problem}")
    info = sub(value, "server_info") or value
    place = sub(info, "server_location")
    location = Location(host=required(place, "hostname", "ip_address"), port=integer(place, "port"), protocol="tcp")
    results, incomplete = _commands(value)
    if results:
        return _Server(location, results, incomplete)
    trace = text(value, "connectivity_error_trace", "error_message").strip().rpartition("\n")[2]
    problem = folded(trace) or next(iter(incomplete.values()), "no check was completed")
    return JobFailed(FailureReason.TARGET_UNREACHABLE, f"sslyze could not talk TLS to {location}: {problem}")


def _commands(server: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Results of the checks that were completed, and the reason for each that was begun but not completed."""
    results, incomplete = {}, {}
    for command in sub(server, "scan_result"):
        attempt = sub(server, "scan_result", command)
        if isinstance(attempt.get("result"), dict):
            results[command] = attempt["result"]
        elif text(attempt, "status") == "ERROR":
            incomplete[command] = text(attempt, "error_reason") or "unknown reason"
    for command in sub(server, "scan_commands_results"):
        results[command] = sub(server, "scan_commands_results", command)
    for command in sub(server, "scan_commands_errors"):
        error = sub(server, "scan_commands_errors", command)
        incomplete[command] = text(error, "reason") or "unknown reason"
    return results, incomplete


def _finished_at(stream: BinaryIO, limits: ParseLimits) -> datetime | None:
    """When the scan ended by its own account; reports of SSLyze 3 do not say."""
    for entry in JsonEntries(stream, limits, "date_scans_completed"):
        if isinstance(entry.value, str):
            return moment(entry.value)
    return None
