"""``secapi scan list``, ``show``, ``jobs`` and ``findings``."""

from typing import Annotated

import typer

from secapi_client.command_line.commands.scan import columns
from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Limit, Namespace, ScanId, Since
from secapi_client.command_line.session import Session
from secapi_client.models.words import Phase, Severity


def list_scans(
    context: typer.Context,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    phase: Annotated[list[Phase] | None, typer.Option(help="Any of these; may be repeated.")] = None,
    scanner: Annotated[str | None, typer.Option(help="With a job of this scanner.")] = None,
    target: Annotated[str | None, typer.Option(help="On this target, e.g. url:https://shop.example:443/")] = None,
    since: Since = None,
    limit: Limit = 50,
) -> None:
    """Scans, newest first."""
    session = Session.of(context)
    with session.client() as client:
        scans = client.scans.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces),
            phases=phase or (),
            scanner=scanner,
            target=target,
            since=since,
            limit=one_more(limit),
        )
        session.output.items(first(scans, limit, session.output), columns.SCANS)


def show(context: typer.Context, scan: ScanId) -> None:
    """One scan and what came of it so far."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.scans.get(scan), columns.SCAN)


def jobs(context: typer.Context, scan: ScanId) -> None:
    """The scan's jobs: each scanner on each target that it takes."""
    session = Session.of(context)
    with session.client() as client:
        session.output.items(client.scans.jobs(scan), columns.JOBS)


def findings(
    context: typer.Context,
    scan: ScanId,
    severity: Annotated[list[Severity] | None, typer.Option(help="Any of these; may be repeated.")] = None,
    scanner: Annotated[str | None, typer.Option(help="Only what this scanner reported.")] = None,
    only_new: Annotated[bool, typer.Option("--only-new", help="Only what no earlier scan saw.")] = False,
    limit: Limit = 0,
) -> None:
    """What the scan found so far, worst first."""
    session = Session.of(context)
    with session.client() as client:
        found = client.scans.findings(
            scan,
            severities=severity or (),
            scanner=scanner,
            only_new=only_new,
            limit=one_more(limit),
        )
        session.output.items(first(found, limit, session.output), columns.FINDINGS)
