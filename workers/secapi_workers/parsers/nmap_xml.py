"""Nmap's XML report (``-oX``): one finding of level info per open port, with what is known of the service behind it.

Identifiers that the ``vulners`` script lists for a port go into its finding. Ports in other states are no findings.
The name by which a host was asked for is preferred to its address.

Nmap exits with 0 when it scanned nothing. That fails the job: as TargetUnresolvable if there was no target left after
name resolution, as TargetUnreachable if every host was down, or if host discovery was off (``-Pn``) and not one probe
was answered, which looks the same as a host without open ports and is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import Confidence, Finding, Location, Quarantined, Severity, clean
from secapi_workers.parsers.bounds import ParseLimits, bounded, invalid
from secapi_workers.parsers.fields import details
from secapi_workers.parsers.xml_stream import Tag, tags

_UNANSWERED = frozenset({"filtered", "open|filtered"})
_MAX_IDS = 50
_MAX_CPES = 10
_MAX_ADDRESSES = 10


@dataclass(slots=True)
class _Port:
    """What is known of one port while its element is read."""

    attributes: dict[str, str]
    state: str = ""
    service: dict[str, str] = field(default_factory=dict)
    cpes: list[str] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Host:
    """What is known of one host while its element is read."""

    name: str = ""
    addresses: list[str] = field(default_factory=list)
    assumed_up: bool = False
    up: bool = False
    answered: bool = False


class _Report:
    """The state of reading: which host and port the current tag belongs to, and how the run ended."""

    def __init__(self) -> None:
        self.root = ""
        self.host = _Host()
        self.port: _Port | None = None
        self.table: dict[str, str] = {}
        self.key = self.text = ""
        self.ports = 0
        self.up = self.answered = 0
        self.exit = self.problem = ""
        self.total = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take an opening tag."""
        self.root = self.root or name
        self.key, self.text = attributes.get("key", ""), ""
        match name:
            case "host":
                self.host = _Host()
            case "status":
                self.host.up = attributes.get("state") == "up"
                self.host.assumed_up = attributes.get("reason") == "user-set"
            case "address" if attributes.get("addrtype") != "mac" and len(self.host.addresses) < _MAX_ADDRESSES:
                self.host.addresses.append(attributes.get("addr", ""))
            case "hostname" if attributes.get("type") == "user":
                self.host.name = attributes.get("name", "")
            case "port":
                self.port = _Port(attributes)
            case "extraports":
                self.host.answered |= attributes.get("state") not in _UNANSWERED
            case "state" if self.port is not None:
                self.port.state = attributes.get("state", "")
                self.host.answered |= self.port.state not in _UNANSWERED
            case "service" if self.port is not None:
                self.port.service = attributes
            case "table":
                self.table = {}
            case "finished":
                self.exit, self.problem = attributes.get("exit", ""), attributes.get("errormsg", "")
            case "hosts":
                self.total = _whole(attributes.get("total", ""))

    def end(self, name: str) -> Finding | Quarantined | None:
        """Take a closing tag; an open port's gives its finding."""
        match name:
            case "elem":
                self.table[self.key] = self.text
            case "table":
                self._note_vulnerability()
            case "cpe" if self.port is not None and len(self.port.cpes) < _MAX_CPES:
                self.port.cpes.append(self.text)
            case "port" if self.port is not None:
                port, self.port = self.port, None
                self.ports += 1
                return _finding(self.host, port, self.ports - 1) if port.state == "open" else None
            case "host":
                self.up += self.host.up
                self.answered += self.host.answered or (self.host.up and not self.host.assumed_up)
        return None

    def _note_vulnerability(self) -> None:
        name = self.table.get("id", "")
        if self.port is not None and name and len(self.port.scores) < _MAX_IDS:
            self.port.scores[name] = _score(self.table.get("cvss", ""))
        self.table = {}


@bounded
def parse(stream: BinaryIO, limits: ParseLimits) -> Iterator[Finding | Quarantined]:
    """Findings of an nmap report."""
    report = _Report()
    for tag in tags(stream, limits):
        if (item := _take(report, tag)) is not None:
            yield item
        if report.root != "nmaprun":
            break
    if report.root != "nmaprun":
        raise invalid(f"the report is not nmap's: it begins with <{report.root}>, not <nmaprun>")
    if report.exit != "success":
        problem = report.problem or "the report has no end"
        raise JobFailed(FailureReason.SCANNER_FAILED, f"nmap did not finish: {problem}")
    if not report.total and not report.up:
        raise JobFailed(FailureReason.TARGET_UNRESOLVABLE, "nmap scanned no host: the target's name does not resolve")
    if not report.up:
        raise JobFailed(FailureReason.TARGET_UNREACHABLE, "nmap found every host down")
    if not report.answered:
        raise JobFailed(FailureReason.TARGET_UNREACHABLE, "no probe was answered: the host is down or drops everything")


def _take(report: _Report, tag: Tag) -> Finding | Quarantined | None:
    kind, content, attributes = tag
    if kind == "start":
        report.start(content, attributes)
    elif kind == "text":
        report.text = (report.text + content)[:1_000]
    else:
        return report.end(content)
    return None


def _finding(host: _Host, port: _Port, position: int) -> Finding | Quarantined:
    number, protocol = _whole(port.attributes.get("portid", "")), port.attributes.get("protocol", "")
    if not 0 < number < 65_536:
        return Quarantined(position, "the port has no valid number", str(port.attributes))
    service = port.service.get("name", "")
    software = " ".join(filter(None, (port.service.get("product"), port.service.get("version"))))
    behind = f"{service} ({software})" if software else service
    scores = port.scores.values()
    return Finding(
        rule="open-port",
        title=f"Open port {number}/{protocol}" + (f": {behind}" if behind else ""),
        severity=Severity.INFO,
        confidence=Confidence.HIGH,
        location=Location(host=host.name or next(iter(host.addresses), ""), port=number, protocol=protocol),
        vulnerability_ids=tuple(port.scores),
        cvss_score=max(scores) if scores else None,
        details=details(
            service=service,
            product=port.service.get("product"),
            version=port.service.get("version"),
            extraInfo=port.service.get("extrainfo"),
            tunnel=port.service.get("tunnel"),
            cpes=port.cpes,
            addresses=host.addresses,
        ),
    )


def _whole(text: str) -> int:
    """A number of at most nine digits; zero for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _score(text: str) -> float:
    """A CVSS score as nmap's scripts write it; zero for anything else."""
    try:
        score = float(clean(text, 20))
    except ValueError:
        return 0.0
    return score if 0.0 <= score <= 10.0 else 0.0
