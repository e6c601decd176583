"""Structured logs: one JSON object a line on standard error, with the ids that were bound to the context.

Libraries that use :mod:`logging` come out in the same shape. Bind ids with ``structlog.contextvars.bound_contextvars``.
"""

import logging
import sys
from contextlib import suppress
from typing import Literal

import orjson
import structlog
from structlog.typing import Processor

from secapi_core.tracing import add_trace_id


def configure(level: str, form: Literal["json", "console"], *, component: str, report: Processor | None = None) -> None:
    """Send every log of this process through structlog; call once, before the first log line.

    ``component`` (``api``, ``operator``, ``worker``) is on every line. ``report`` sees lines with their exceptions.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        add_trace_id,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([report] if report else []),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.contextvars.bind_contextvars(component=component)
    # Ours do not take the way through logging, which costs a request of the API more than its query.
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


class _Lines:
    """Where the lines of one logger of ours go; one that cannot be written is nobody's fault who logs."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def info(self, line: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")

    debug = warning = error = critical = info


def _to_json(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()
