"""How a command ends: exit codes, which scripts and CI pipelines read, and the one sentence that people read."""

import re
from enum import IntEnum

import typer

from secapi_client.errors import ProblemError, Refused, SecapiError
from secapi_client.models.problems import FieldProblem
from secapi_client.models.scans import ScanSummary
from secapi_client.models.words import Phase


class ExitCode(IntEnum):
    """What a command ends with; documented in docs/guides/client.md and never given another meaning."""

    OK = 0
    SCAN_FAILED = 1
    """Or it was cancelled: nobody knows what it would have found."""

    USAGE = 2
    GATE_FAILED = 3
    REFUSED = 4
    """The server answered 4xx."""

    UNAVAILABLE = 5
    """The server does not answer, answers 5xx, or is not SecAPI."""

    DEFECT = 70
    INTERRUPTED = 130


class CommandFailed(Exception):
    """The command cannot go on; the message is a whole sentence."""

    def __init__(self, message: str, code: ExitCode = ExitCode.USAGE) -> None:
        """``code`` is what the command ends with."""
        self.code = code
        super().__init__(message)


def verdict(scan: ScanSummary) -> ExitCode:
    """What a pipeline should make of a scan that has ended."""
    if scan.phase != Phase.SUCCEEDED:
        return ExitCode.SCAN_FAILED
    return ExitCode.GATE_FAILED if scan.gate_passed is False else ExitCode.OK


def explained(error: Exception) -> tuple[str, ExitCode]:
    """The sentence and the exit code for whatever ended a command."""
    match error:
        case CommandFailed():
            return str(error), error.code
        case typer.TyperException():
            return _usage(error), ExitCode.USAGE
        case ProblemError():
            return _problem(error), ExitCode.REFUSED if isinstance(error, Refused) else ExitCode.UNAVAILABLE
        case SecapiError():
            return str(error), ExitCode.UNAVAILABLE
        case OSError(filename=str() as name, strerror=str() as reason):
            return f"{name}: {reason}", ExitCode.USAGE
        case OSError():
            return str(error) or type(error).__name__, ExitCode.USAGE
        case _:
            return f"this is a defect, please report it: {_place(error)}", ExitCode.DEFECT


def field_name(pointer: str) -> str:
    """``/spec/targets/0/url`` as people write it: ``spec.targets[0].url``."""
    dotted = pointer.strip("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", dotted)


def _problem(error: ProblemError) -> str:
    sentence = "; ".join(_field(problem) for problem in error.errors) or str(error)
    return f"{sentence} (request {error.request_id})" if error.request_id else sentence


def _field(problem: FieldProblem) -> str:
    name = field_name(problem.pointer)
    return f"{name}: {problem.detail}" if name else problem.detail


def _usage(error: typer.TyperException) -> str:
    """Without the help page that is shown where there is no command at all."""
    message = error.format_message().strip().replace("Value error, ", "")
    command = getattr(getattr(error, "ctx", None), "command_path", None)
    return f"{message.rstrip('.')}; '{command} --help' shows what there is" if message and command else message


def _place(error: Exception) -> str:
    """Kind and place of an error without its text, which may repeat what is secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"
