"""``secapi version``."""

import typer

from secapi_client.command_line.output import Column
from secapi_client.command_line.session import Session, connect
from secapi_client.connection import own_version
from secapi_client.models.base import Model


class Versions(Model):
    """Of both sides; ``server`` is None where no server is known."""

    client: str
    server: str | None


COLUMNS = (
    Column[Versions]("client", lambda versions: versions.client),
    Column[Versions]("server", lambda versions: versions.server or "(not logged in)"),
)


def version(context: typer.Context) -> None:
    """The version of this program, and of the server if one is known."""
    session = Session.of(context)
    server = None
    if (address := session.known_server()) is not None:
        with connect(address, None, session.output) as client:
            server = client.server_version()
    session.output.one(Versions(client=own_version(), server=server), COLUMNS)
