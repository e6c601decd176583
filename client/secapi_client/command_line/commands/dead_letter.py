"""``secapi dead-letter``."""

from typing import Annotated
from uuid import UUID

import typer

from secapi_client.command_line.commands.scan.columns import target_name
from secapi_client.command_line.commands.scan.watching import follow_up
from secapi_client.command_line.lists import first, one_more
from secapi_client.command_line.options import AllNamespaces, Limit, Namespace, Wait
from secapi_client.command_line.output import Column, time_text
from secapi_client.command_line.session import Session
from secapi_client.models.dead_letters import DeadLetter

app = typer.Typer(no_args_is_help=True, help="Jobs that failed in every attempt they had.")

LetterId = Annotated[UUID, typer.Argument(metavar="LETTER", help="The dead letter's id.", show_default=False)]

LETTERS = (
    Column[DeadLetter]("ID", lambda letter: letter.id),
    Column[DeadLetter]("NAMESPACE", lambda letter: letter.namespace),
    Column[DeadLetter]("SCANNER", lambda letter: letter.scanner),
    Column[DeadLetter]("TARGET", lambda letter: target_name(letter.target)),
    Column[DeadLetter]("REASON", lambda letter: letter.reason),
    Column[DeadLetter]("FAILED", lambda letter: time_text(letter.created_at)),
    Column[DeadLetter]("REPLAYED", lambda letter: time_text(letter.replayed_at)),
)
LETTER = (
    Column[DeadLetter]("id", lambda letter: letter.id),
    Column[DeadLetter]("namespace", lambda letter: letter.namespace),
    Column[DeadLetter]("scan", lambda letter: letter.scan_id),
    Column[DeadLetter]("scanner", lambda letter: letter.scanner),
    Column[DeadLetter]("target", lambda letter: target_name(letter.target)),
    Column[DeadLetter]("attempts", lambda letter: letter.attempts),
    Column[DeadLetter]("reason", lambda letter: f"{letter.reason}: {letter.message}"),
    Column[DeadLetter]("failed", lambda letter: time_text(letter.created_at)),
    Column[DeadLetter]("replayed", lambda letter: time_text(letter.replayed_at)),
    Column[DeadLetter]("as scan", lambda letter: letter.replay_scan_id),
)


@app.command("list")
def list_letters(
    context: typer.Context,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    scanner: Annotated[str | None, typer.Option(help="Only jobs of this scanner.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why the last attempt failed, e.g. ScannerCrashed.")] = None,
    replayed: Annotated[
        bool | None, typer.Option("--replayed/--waiting", help="Only what has been replayed, or has not.")
    ] = None,
    limit: Limit = 50,
) -> None:
    """Dead letters, newest first."""
    session = Session.of(context)
    with session.client() as client:
        letters = client.dead_letters.list(
            namespace=session.listed_namespace(namespace, every=all_namespaces),
            scanner=scanner,
            reason=reason,
            replayed=replayed,
            limit=one_more(limit),
        )
        session.output.items(first(letters, limit, session.output), LETTERS)


@app.command()
def show(context: typer.Context, letter: LetterId) -> None:
    """One dead letter."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.dead_letters.get(letter), LETTER)


@app.command()
def replay(context: typer.Context, letter: LetterId, wait: Wait = False) -> None:
    """Run the job again as a scan of its own; again, it is the same scan. Exit codes as of 'secapi scan submit'."""
    session = Session.of(context)
    with session.client() as client:
        follow_up(session, client, client.dead_letters.replay(letter), wait=wait)


@app.command()
def purge(context: typer.Context, letter: LetterId) -> None:
    """Take a dead letter off the list, replayed or not."""
    session = Session.of(context)
    with session.client() as client:
        client.dead_letters.purge(letter)
    session.output.say(f"purged dead letter {letter}")
