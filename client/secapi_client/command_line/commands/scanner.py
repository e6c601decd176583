"""``secapi scanner``."""

import typer

from secapi_client.command_line.output import Column
from secapi_client.command_line.session import Session
from secapi_client.models.scanners import Scanner

app = typer.Typer(no_args_is_help=True, help="What can be scanned with.")

COLUMNS = (
    Column[Scanner]("NAME", lambda scanner: scanner.name),
    Column[Scanner]("TARGETS", lambda scanner: ",".join(scanner.target_types)),
    Column[Scanner]("PARAMETERS", lambda scanner: ",".join(scanner.parameters_schema.get("properties", {}))),
    Column[Scanner]("TITLE", lambda scanner: scanner.title),
)


@app.command("list")
def list_scanners(context: typer.Context) -> None:
    """Every scanner of the catalogue; '-o json' has the schemas of their parameters."""
    session = Session.of(context)
    with session.client() as client:
        session.output.items(list(client.scanners.list()), COLUMNS)
