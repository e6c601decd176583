"""``secapi context``."""

from typing import Annotated

import typer

from secapi_client.command_line import contexts
from secapi_client.command_line.output import Column
from secapi_client.command_line.session import Session
from secapi_client.models.base import Model

app = typer.Typer(no_args_is_help=True, help="Servers that are kept, and which of them is asked.")


class KnownContext(Model):
    """A context without its key."""

    name: str
    server: str
    namespace: str | None
    current: bool


COLUMNS = (
    Column[KnownContext]("CURRENT", lambda known: "*" if known.current else ""),
    Column[KnownContext]("NAME", lambda known: known.name),
    Column[KnownContext]("SERVER", lambda known: known.server),
    Column[KnownContext]("NAMESPACE", lambda known: known.namespace),
)


@app.command("list")
def list_contexts(context: typer.Context) -> None:
    """Every context, without its key."""
    kept = contexts.read()
    known = [
        KnownContext(name=name, server=entry.server, namespace=entry.namespace, current=name == kept.current)
        for name, entry in sorted(kept.contexts.items())
    ]
    Session.of(context).output.items(known, COLUMNS)


@app.command()
def use(context: typer.Context, name: Annotated[str, typer.Argument(autocompletion=contexts.names)]) -> None:
    """Make a context the current one."""
    kept = contexts.read()
    kept.get(name)
    kept.current = name
    contexts.write(kept)
    Session.of(context).output.say(f"context {name!r} is now the current one")
