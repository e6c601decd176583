"""``secapi whoami``."""

import typer

from secapi_client.command_line.output import Column
from secapi_client.command_line.session import Session
from secapi_client.models.sessions import Identity

COLUMNS = (
    Column[Identity]("id", lambda identity: identity.id),
    Column[Identity]("name", lambda identity: identity.name),
    Column[Identity]("everywhere", lambda identity: identity.everywhere),
    Column[Identity]("roles", lambda identity: ", ".join(f"{role} in {name}" for name, role in identity.roles.items())),
    Column[Identity]("scopes", lambda identity: "all" if identity.scopes is None else ", ".join(identity.scopes)),
)


def whoami(context: typer.Context) -> None:
    """Whose the API key is, and what it is good for."""
    session = Session.of(context)
    with session.client() as client:
        session.output.one(client.sessions.current(), COLUMNS)
