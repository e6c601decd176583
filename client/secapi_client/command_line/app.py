"""The tree of commands: one module for each resource."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated

import typer

from secapi_client.command_line import contexts
from secapi_client.command_line.access import SERVER
from secapi_client.command_line.commands import (
    artifact,
    audit,
    context,
    dead_letter,
    key,
    login,
    logout,
    policy,
    scanner,
    schedule,
    version,
    webhook,
    whoami,
)
from secapi_client.command_line.commands.scan import tree as scan
from secapi_client.command_line.output import Format, Output
from secapi_client.command_line.session import Session

_WITH_VALUE = ("--output", "-o", "--context", "--server")
_FLAGS = ("--no-color",)


def _prepare(
    context: typer.Context,
    output: Annotated[Format, typer.Option("--output", "-o", help="How results are shown.")] = Format.TABLE,
    context_name: Annotated[
        str | None,
        typer.Option("--context", help="Otherwise the current one.", autocompletion=contexts.names),
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", envvar=SERVER, metavar="URL", help="Instead of the context's.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, as with NO_COLOR=1.")] = False,
) -> None:
    """Security scans from the command line.

    These options may stand before or after the command. The API key comes from 'secapi login' or SECAPI_TOKEN.
    """
    context.obj = Session(Output(output, color=not no_color), server, context_name)


def application() -> typer.Typer:
    """The whole tree."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_prepare)
    app.command("login")(login.login)
    app.command("logout")(logout.logout)
    app.command("whoami")(whoami.whoami)
    app.add_typer(context.app, name="context")
    app.add_typer(scan.app, name="scan")
    app.add_typer(scanner.app, name="scanner")
    app.add_typer(artifact.app, name="artifact")
    app.add_typer(schedule.app, name="schedule")
    app.add_typer(dead_letter.app, name="dead-letter")
    app.add_typer(policy.app, name="policy")
    app.add_typer(key.app, name="key")
    app.add_typer(webhook.app, name="webhook")
    app.add_typer(audit.app, name="audit")
    app.command("version")(version.version)
    return app


def global_first(arguments: Iterable[str]) -> list[str]:
    """The same arguments with the options of every command in front, wherever they stood before ``--``."""
    return [*_sorted_out(iter(arguments), front=True), *_sorted_out(iter(arguments), front=False)]


def _sorted_out(arguments: Iterator[str], *, front: bool) -> Iterator[str]:
    for argument in arguments:
        if argument == "--":
            if not front:
                yield from (argument, *arguments)
            return
        name, has_value, _ = argument.partition("=")
        attached = argument.startswith("-o") and len(argument) > 2
        belongs = argument in _FLAGS or name in _WITH_VALUE or attached
        words = [argument]
        if name in _WITH_VALUE and not has_value:
            words += islice(arguments, 1)
        if belongs is front:
            yield from words
