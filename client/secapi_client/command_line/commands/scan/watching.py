"""``secapi scan watch``, and what commands do that start a scan and ``--wait`` for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from secapi_client.client import Client
from secapi_client.command_line.commands.scan import columns
from secapi_client.command_line.options import ScanId
from secapi_client.command_line.outcomes import ExitCode, verdict
from secapi_client.command_line.output import Output, visible
from secapi_client.command_line.session import Session
from secapi_client.models.scans import Scan, SubmittedScan
from secapi_client.resources.following import Progress


def watch(context: typer.Context, scan: ScanId) -> None:
    """Show how a scan gets on until it has ended.

    Exit code 0: it succeeded and passed its gate, if it has one; 1: it failed or was cancelled; 3: the gate failed.
    """
    session = Session.of(context)
    with session.client() as client:
        conclude(session, watched(session.output, client, scan))


def watched(output: Output, client: Client, scan_id: UUID, *, accepted: bool = False) -> Scan:
    """The scan once it has ended; tells what happens meanwhile. ``accepted`` if it was submitted a moment ago."""
    try:
        with _told(output) as tell:
            for progress in client.scans.follow(scan_id, accepted=accepted):
                tell(progress)
    except KeyboardInterrupt:
        output.say(f"the scan goes on; 'secapi scan watch {scan_id}' looks again, 'secapi scan cancel' stops it")
        raise
    return progress.scan


def follow_up(session: Session, client: Client, submitted: SubmittedScan, *, wait: bool) -> None:
    """Show what was submitted; with ``wait``, how it gets on until the command ends with what became of it."""
    if wait:
        session.output.say(f"submitted scan {submitted.id}")
        conclude(session, watched(session.output, client, submitted.id, accepted=True))
    session.output.one(submitted, columns.SUBMITTED)
    session.output.say(f"'secapi scan watch {submitted.id}' shows how it gets on")


def conclude(session: Session, scan: Scan) -> None:
    """Show a scan that has ended, and end the command with what a pipeline should make of it."""
    session.output.one(scan, columns.SCAN)
    code = verdict(scan)
    if code is ExitCode.GATE_FAILED:
        session.output.say(f"the gate is not passed; 'secapi scan findings {scan.id}' shows why")
    elif code is ExitCode.SCAN_FAILED:
        why = f": {scan.message}" if scan.message else ""
        session.output.say(f"the scan is {scan.phase.lower()}{why}; 'secapi scan jobs {scan.id}' shows more")
    raise typer.Exit(code)


@contextmanager
def _told(output: Output) -> Iterator[Callable[[Progress], None]]:
    """On a terminal a table that changes in place and is gone in the end; elsewhere a line for each change."""
    if not output.messages.is_terminal:
        yield lambda progress: output.say(_line(progress))
        return
    with Live(console=output.messages, transient=True) as live:
        yield lambda progress: live.update(_table(progress))


def _line(progress: Progress) -> str:
    jobs = ", ".join(f"{job.scanner} on {columns.target_name(job.target)} {job.state}" for job in progress.jobs[:10])
    more = f", and {len(progress.jobs) - 10} more" if len(progress.jobs) > 10 else ""
    return f"{progress.scan.name} {progress.scan.phase}" + (f": {jobs}{more}" if jobs else "")


def _table(progress: Progress) -> Table:
    table = Table(box=None, pad_edge=False, title=f"{progress.scan.name} {progress.scan.phase}", title_justify="left")
    for title in ("SCANNER", "TARGET", "STATE", "FINDINGS"):
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    for job in progress.jobs:
        table.add_row(
            Text(visible(job.scanner)),
            Text(visible(columns.target_name(job.target))),
            Text(job.state, style=columns.STATES.get(job.state, "")),
            str(job.findings),
        )
    return table
