"""``secapi logout``."""

import typer

from secapi_client.command_line import contexts
from secapi_client.command_line.outcomes import CommandFailed
from secapi_client.command_line.session import Session


def logout(context: typer.Context) -> None:
    """Forget the current context, or the one that --context names, with its key. The key itself stays valid."""
    session = Session.of(context)
    kept = contexts.read()
    name = session.context or kept.current
    if name is None:
        raise CommandFailed("there is no current context; 'secapi context list' shows what there is")
    kept.get(name)
    del kept.contexts[name]
    if kept.current == name:
        kept.current = None
    contexts.write(kept)
    session.output.say(f"forgot context {name!r}; its API key stays valid until it is revoked on the server")
