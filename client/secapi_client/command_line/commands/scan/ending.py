"""``secapi scan cancel`` and ``delete``."""

import typer

from secapi_client.command_line.commands.scan import columns
from secapi_client.command_line.options import ScanId
from secapi_client.command_line.session import Session


def cancel(context: typer.Context, scan: ScanId) -> None:
    """Stop a scan; jobs that are done keep their results. One that has ended stays as it is."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.scans.cancel(scan), columns.SCAN)


def delete(context: typer.Context, scan: ScanId) -> None:
    """Delete a scan; its findings stay. One that still runs is cancelled instead: delete it once it has ended."""
    session = Session.of(context)
    with session.client() as client:
        running = client.scans.delete(scan)
    if running is None:
        session.output.say(f"deleted scan {scan}")
    else:
        session.output.say(f"scan {scan} still runs: it is cancelled now; delete it again once it has ended")
        session.output.one(running, columns.SCAN)
