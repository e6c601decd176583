"""``secapi login``."""

import os
import sys
from contextlib import suppress
from typing import Annotated
from urllib.parse import urlsplit

import typer

from secapi_client.command_line import contexts
from secapi_client.command_line.access import TOKEN
from secapi_client.command_line.contexts import DEFAULT_NAME, Context
from secapi_client.command_line.options import Namespace
from secapi_client.command_line.outcomes import CommandFailed
from secapi_client.command_line.session import Session, connect
from secapi_client.errors import Forbidden

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def login(
    context: typer.Context,
    server: Annotated[str | None, typer.Argument(metavar="[URL]", help="Of the server.", show_default=False)] = None,
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read the API key from standard input instead of asking for it.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the context to make or replace.")] = None,
    namespace: Namespace = None,
) -> None:
    """Keep a server and an API key for the commands to come, once the server has accepted the key.

    The key is asked for, or read from SECAPI_TOKEN; it is never an argument, which other users could see.
    """
    session = Session.of(context)
    address = server or session.server
    if address is None:
        raise CommandFailed("say which server: secapi login https://secapi.example")
    token = _token(from_stdin=key_stdin)
    with connect(address, token, session.output) as client:
        # A key that is limited to some scopes may not ask whose it is, but it is known all the same.
        with suppress(Forbidden):
            client.sessions.current()
        address = client.server
    _warn_of_plain_text(session, address)
    kept = contexts.read()
    name = name or session.context or DEFAULT_NAME
    kept.contexts[name] = Context(server=address, token=token, namespace=namespace)
    kept.current = name
    contexts.write(kept)
    session.output.say(f"logged in to {address}; context {name!r} is now the current one, kept in {contexts.path()}")


def _token(*, from_stdin: bool) -> str:
    if from_stdin:
        token = sys.stdin.readline().strip()
    elif TOKEN in os.environ:
        token = os.environ[TOKEN].strip()
    elif sys.stdin.isatty():
        token = str(typer.prompt("API key", hide_input=True, err=True)).strip()
    else:
        raise CommandFailed(f"there is no terminal to ask for the API key: use --key-stdin or {TOKEN}")
    if not token:
        raise CommandFailed("the API key is empty")
    return token


def _warn_of_plain_text(session: Session, server: str) -> None:
    address = urlsplit(server)
    if address.scheme == "http" and address.hostname not in LOOPBACK:
        session.output.say(f"warning: {server} is not encrypted, so the network in between can read the key")
