"""The console scripts ``secapi`` and ``kubectl-secapi``."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from secapi_client.command_line.app import application, global_first
from secapi_client.command_line.outcomes import ExitCode, explained
from secapi_client.command_line.output import visible

PLUGIN = "kubectl-secapi"
"""What kubectl looks for when somebody says ``kubectl secapi``."""


def main() -> None:
    """Run the command that the arguments name, and end with its exit code."""
    name = "kubectl secapi" if Path(sys.argv[0]).stem == PLUGIN else "secapi"
    sys.exit(run(name, sys.argv[1:]))


def run(name: str, arguments: Sequence[str]) -> int:
    """The exit code. Whatever goes wrong is one sentence on standard error, never a traceback."""
    try:
        status: object = application()(global_first(arguments), prog_name=name, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:
        message, code = explained(error)
        if message:
            sys.stderr.write(f"secapi: {visible(message)}\n")
        return code
    return status if isinstance(status, int) else ExitCode.OK
