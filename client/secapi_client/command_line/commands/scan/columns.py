"""What tables show of scans, their jobs and their findings."""

from typing import Any

from secapi_client.command_line.output import Column, time_text
from secapi_client.models.findings import ScanFinding
from secapi_client.models.scans import Scan, ScanJob, ScanSummary, SubmittedScan

SEVERITIES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
PHASES = {"Succeeded": "green", "Failed": "red", "Cancelled": "yellow", "Running": "cyan"}
STATES = {"succeeded": "green", "failed": "red", "dead": "red", "cancelled": "yellow", "running": "cyan"}


def target_name(target: dict[str, Any]) -> str:
    """A target in a few words."""
    match target:
        case {"url": str(url)}:
            return url
        case {"host": {"address": str(address), **rest}}:
            return f"{address} {rest.get('ports') or ''}".strip()
        case {"repository": {"url": str(url)}}:
            return url
        case {"artifact": {"digest": str(digest), **rest}}:
            return str(rest.get("name") or digest)
        case {"image": {"reference": str(reference)}}:
            return reference
        case _:
            return ", ".join(target)


def _gate(scan: ScanSummary) -> str:
    return {None: "", True: "passed", False: "failed"}[scan.gate_passed]


def _finding_counts(scan: ScanSummary) -> str:
    counts = scan.findings
    by_severity = ", ".join(f"{n} {name}" for name in SEVERITIES if (n := getattr(counts, name)))
    return f"{by_severity or 'none'}; {counts.new} of them new" if by_severity else "none"


SCANS = (
    Column[ScanSummary]("ID", lambda scan: scan.id),
    Column[ScanSummary]("NAMESPACE", lambda scan: scan.namespace),
    Column[ScanSummary]("NAME", lambda scan: scan.name),
    Column[ScanSummary]("PHASE", lambda scan: scan.phase, lambda scan: PHASES.get(scan.phase, "")),
    Column[ScanSummary]("JOBS", lambda scan: scan.jobs.total),
    Column[ScanSummary]("CRITICAL", lambda scan: scan.findings.critical),
    Column[ScanSummary]("HIGH", lambda scan: scan.findings.high),
    Column[ScanSummary]("NEW", lambda scan: scan.findings.new),
    Column[ScanSummary]("GATE", _gate, lambda scan: "red" if scan.gate_passed is False else ""),
    Column[ScanSummary]("CREATED", lambda scan: time_text(scan.created_at)),
)
SCAN = (
    Column[Scan]("id", lambda scan: scan.id),
    Column[Scan]("namespace", lambda scan: scan.namespace),
    Column[Scan]("name", lambda scan: scan.name),
    Column[Scan]("phase", lambda scan: scan.phase, lambda scan: PHASES.get(scan.phase, "")),
    Column[Scan]("reason", lambda scan: ": ".join(filter(None, (scan.reason, scan.message)))),
    Column[Scan]("targets", lambda scan: ", ".join(target_name(target) for target in scan.spec.get("targets", []))),
    Column[Scan]("scanners", lambda scan: ", ".join(use["name"] for use in scan.spec.get("scanners", []))),
    Column[Scan]("jobs", lambda scan: f"{scan.jobs.succeeded} of {scan.jobs.total} succeeded"),
    Column[Scan]("findings", _finding_counts),
    Column[Scan]("gate", _gate, lambda scan: "red" if scan.gate_passed is False else ""),
    Column[Scan]("submitted by", lambda scan: scan.submitted_by),
    Column[Scan]("created", lambda scan: time_text(scan.created_at)),
    Column[Scan]("ended", lambda scan: time_text(scan.completion_time)),
)
SUBMITTED = (
    Column[SubmittedScan]("id", lambda scan: scan.id),
    Column[SubmittedScan]("namespace", lambda scan: scan.namespace),
    Column[SubmittedScan]("name", lambda scan: scan.name),
    Column[SubmittedScan]("phase", lambda scan: scan.phase),
    Column[SubmittedScan]("jobs", lambda scan: len(scan.jobs)),
)
JOBS = (
    Column[ScanJob]("SCANNER", lambda job: job.scanner),
    Column[ScanJob]("TARGET", lambda job: target_name(job.target)),
    Column[ScanJob]("STATE", lambda job: job.state, lambda job: STATES.get(job.state, "")),
    Column[ScanJob]("ATTEMPT", lambda job: f"{job.attempt}/{job.max_attempts}"),
    Column[ScanJob]("FINDINGS", lambda job: job.findings),
    Column[ScanJob]("REASON", lambda job: ": ".join(filter(None, (job.reason, job.message))), cut=True),
)
FINDINGS = (
    Column[ScanFinding]("SEVERITY", lambda found: found.severity, lambda found: SEVERITIES.get(found.severity, "")),
    Column[ScanFinding]("NEW", lambda found: "new" if found.is_new else ""),
    Column[ScanFinding]("SCANNER", lambda found: found.scanner),
    Column[ScanFinding]("RULE", lambda found: found.rule),
    Column[ScanFinding]("WHERE", lambda found: found.location),
    Column[ScanFinding]("TITLE", lambda found: found.title, cut=True),
)
