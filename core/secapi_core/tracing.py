"""Traces over api, operator and worker, by the OpenTelemetry API alone: without a collector all of this does nothing.

One trace per scan: the API's request is its root, or the operator's planning for a scan by ``kubectl``. The context
travels as a W3C ``traceparent``: on the ScanRequest as an annotation, from planning to the workers in the job's row.
Between processes there is nothing else to agree on, so each may be traced or not.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Span, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.typing import EventDict, WrappedLogger

from secapi_core.errors import SecapiError, describe, frames
from secapi_core.settings import Settings

Attributes = Mapping[str, str | int]

_HEADER = "traceparent"
_TRACER = trace.get_tracer("secapi")
_PROPAGATOR = TraceContextTextMapPropagator()


def start(settings: Settings, component: str) -> Callable[[], None]:
    """Send this process's spans to the collector that ``settings`` name, if any; call what is returned at the end.

    In a forking server, call it after the fork. Raises ImportError with the remedy if OpenTelemetry is not installed.
    """
    if not settings.traces:
        return lambda: None
    try:
        from secapi_core import trace_export
    except ImportError as error:
        raise ImportError("traces are switched on but not installed: install secapi[tracing]") from error
    return trace_export.start(component)


def current() -> str | None:
    """The ``traceparent`` by which another process goes on with the present trace, if there is one."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(_HEADER)


@contextmanager
def span(
    name: str, *, parent: str | None = None, began: float | None = None, attributes: Attributes | None = None
) -> Iterator[None]:
    """The block as a span, below ``parent`` (a ``traceparent``) or else below the present span.

    ``began`` is when it began, if earlier than now, on this process's monotonic clock. An exception that leaves the
    block is recorded.
    """
    started = _TRACER.start_span(name, context=_below(parent), attributes=attributes, start_time=_wall(began))
    with trace.use_span(started, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            _record(started, error)
            raise


def completed(name: str, *, began: float, ended: float | None = None) -> None:
    """Something that is over already as a span below the present one; times are of the monotonic clock."""
    _TRACER.start_span(name, start_time=_wall(began)).end(_wall(ended))


def failed(error: BaseException) -> None:
    """Record on the present span what it ended in, though nobody outside of it will see the exception."""
    _record(trace.get_current_span(), error)


def add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: lines that are logged within a trace carry its id."""
    present = trace.get_current_span().get_span_context()
    if present.is_valid:
        event["trace_id"] = trace.format_trace_id(present.trace_id)
    return event


def _below(parent: str | None) -> context.Context | None:
    return None if parent is None else _PROPAGATOR.extract({_HEADER: parent})


def _record(span: Span, error: BaseException) -> None:
    """As OpenTelemetry records exceptions, less what their messages quote: statements, rows, reports."""
    if not span.is_recording():
        return
    kind = type(error)
    span.add_event(
        "exception",
        {
            "exception.type": f"{kind.__module__}.{kind.__qualname__}",
            "exception.message": describe(error),
            "exception.stacktrace": frames(error),
        },
    )
    reason = error.failure.reason.value if isinstance(error, SecapiError) else kind.__name__
    span.set_status(StatusCode.ERROR, reason)


def _wall(monotonic: float | None) -> int | None:
    """Nanoseconds since the epoch of a time on the monotonic clock."""
    return None if monotonic is None else time.time_ns() - round((time.monotonic() - monotonic) * 1e9)
