"""What the demo prints: progress while scans run, then a table of findings per scan."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

SEVERITIES = ("critical", "high", "medium", "low", "info")
STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
ROWS = 12
"""Findings printed per scan, worst first; the table says how many more there are."""


def progress_line(jobs: Sequence[dict[str, Any]]) -> str:
    """``bandit succeeded, semgrep running, …`` for one scan."""
    return ", ".join(f"{job['scanner']} {job['state']}" for job in jobs)


def print_findings(console: Console, name: str, findings: Sequence[dict[str, Any]]) -> None:
    """One table: the worst findings first, and the counts by severity and scanner in the caption."""
    by_severity = Counter(finding["severity"] for finding in findings)
    by_scanner = Counter(finding["scanner"] for finding in findings)
    table = Table(title=f"{name}: {len(findings)} findings", title_justify="left", title_style="bold", expand=False)
    for column, narrowest in (("severity", 8), ("scanner", 14), ("where", 30), ("what", 50)):
        table.add_column(column, overflow="ellipsis", no_wrap=True, min_width=narrowest, max_width=70)
    for finding in sorted(findings, key=lambda finding: SEVERITIES.index(finding["severity"]))[:ROWS]:
        severity = finding["severity"]
        table.add_row(
            f"[{STYLES[severity]}]{severity}[/]", finding["scanner"], _where(finding["location"]), finding["title"]
        )
    if len(findings) > ROWS:
        table.add_row("…", "", "", f"and {len(findings) - ROWS} more")
    table.caption = " · ".join(
        [f"{by_severity[severity]} {severity}" for severity in SEVERITIES if by_severity[severity]]
        + [f"{scanner}: {count}" for scanner, count in sorted(by_scanner.items())]
    )
    console.print(table)


def _where(location: dict[str, Any]) -> str:
    if path := location.get("path"):
        return f"{path}:{location['startLine']}" if location.get("startLine") else str(path)
    if url := location.get("url"):
        return str(url)
    return f"{location.get('host', '')}:{location['port']}" if location.get("port") else str(location.get("host", ""))
