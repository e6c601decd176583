"""The command ``secapi-dev``."""

import importlib
import pkgutil
import sys

import typer

from secapi_dev import commands
from secapi_dev.errors import StackError
from secapi_dev.progress import Progress


def main() -> None:
    """Run the subcommand that the command line names; one sentence and exit code 1 when the stack cannot do it."""
    try:
        _app(sys.argv[1:])()
    except* StackError as errors:
        for error in _leaves(errors):
            Progress().say(f"error: {error}")
        sys.exit(1)


def _app(arguments: list[str]) -> typer.Typer:
    """Make the application; only the module of the named subcommand is imported, all of them for an overview."""
    app = typer.Typer(no_args_is_help=True, add_completion=False)
    app.callback()(_describe)
    names = [module.name for module in pkgutil.iter_modules(commands.__path__)]
    for name in [name for name in names if name in arguments[:1]] or names:
        app.command(name)(importlib.import_module(f"{commands.__name__}.{name}").command)
    return app


def _describe() -> None:
    """SecAPI on this machine, with real servers and nothing to install first."""


def _leaves(group: BaseExceptionGroup[StackError]) -> list[StackError]:
    nested = (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error] for error in group.exceptions)
    return [error for errors in nested for error in errors]
