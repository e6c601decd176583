"""``secapi audit``."""

from typing import Annotated

import typer

from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Limit, Namespace, Since
from secapi_client.command_line.output import Column, time_text
from secapi_client.command_line.session import Session
from secapi_client.models.audit import AuditEvent

app = typer.Typer(no_args_is_help=True, help="Who did what.")

COLUMNS = (
    Column[AuditEvent]("AT", lambda event: time_text(event.at)),
    Column[AuditEvent]("ACTOR", lambda event: event.actor_name),
    Column[AuditEvent]("ACTION", lambda event: event.action),
    Column[AuditEvent]("NAMESPACE", lambda event: event.namespace),
    Column[AuditEvent]("SUBJECT", lambda event: f"{event.kind} {event.subject}"),
)


@app.command("list")
def list_events(
    context: typer.Context,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    actor: Annotated[str | None, typer.Option(help="Id, as '-o json' shows it: key:…, user:…")] = None,
    action: Annotated[str | None, typer.Option(help="E.g. cancelScan.")] = None,
    subject: Annotated[str | None, typer.Option(help="Id of the thing, e.g. of a scan.")] = None,
    since: Since = None,
    limit: Limit = 50,
) -> None:
    """Events, newest first: of one namespace for its admins, of all for the platform's."""
    session = Session.of(context)
    with session.client() as client:
        events = client.audit_events.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces),
            actor=actor,
            action=action,
            subject=subject,
            since=since,
            limit=one_more(limit),
        )
        session.output.items(first(events, limit, session.output), COLUMNS)
