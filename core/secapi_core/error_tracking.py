"""Defects to Sentry, or to whatever speaks its protocol, if ``SENTRY_DSN`` names one.

A defect is what is logged as an error with its exception, anywhere: logging it is all that code has to do. Of the
process only the exception's type, first line and frames are sent, and the ids that are bound to the log's context;
no variables, no requests, no source, no breadcrumbs.
"""

import socket
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from secapi_core.scrubbing import Scrubber
from secapi_core.settings import Settings, secret_values

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

CONTEXT = frozenset({"caller", "request_id", "scan_id", "job_id", "attempt", "scanner", "namespace", "trace_id"})
"""Fields of a log line that become tags."""

FLUSH_SECONDS = 2.0


def start(settings: Settings, component: str) -> Processor | None:
    """A processor for ``logs.configure`` that reports defects, or ``None`` where that is not wanted.

    Raises ImportError with the remedy if the library is not installed.
    """
    if settings.sentry_dsn is None or not (dsn := settings.sentry_dsn.get_secret_value()):
        return None
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.dedupe import DedupeIntegration
        from sentry_sdk.integrations.excepthook import ExcepthookIntegration
        from sentry_sdk.integrations.threading import ThreadingIntegration
    except ImportError as error:
        raise ImportError("error tracking is switched on but not installed: install secapi[errors]") from error
    scrubber = Scrubber(secret_values(settings))

    def scrubbed(event: "Event", _hint: "Hint") -> "Event | None":
        return _scrubbed(event, scrubber)

    sentry_sdk.init(
        dsn=dsn,
        release=f"secapi@{version('secapi')}",
        server_name=socket.gethostname(),
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            # What is still to be sent is sent without a word on the terminal.
            AtexitIntegration(callback=lambda _pending, _timeout: None),
            DedupeIntegration(),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
        ],
        shutdown_timeout=FLUSH_SECONDS,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        before_send=scrubbed,
    )
    sentry_sdk.set_tags({"component": component, "version": version("secapi")})

    def report(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if event.get("level") in ("error", "critical") and (defect := _exception(event.get("exc_info"))):
            with sentry_sdk.new_scope() as scope:
                scope.set_tag("event", str(event.get("event", "")))
                scope.set_tags({name: str(event[name]) for name in CONTEXT & event.keys() if event[name] is not None})
                scope.capture_exception(defect)
        return event

    return report


def flush() -> None:
    """Send what is to be sent, in a process that ends without Python's own end: one of a forking server's."""
    if "sentry_sdk" in sys.modules:
        sys.modules["sentry_sdk"].flush(FLUSH_SECONDS)


def _exception(info: ExcInfo | BaseException | bool | None) -> BaseException | None:
    match info:
        case BaseException():
            return info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
        case _:
            return None


def _scrubbed(event: "Event", scrubber: Scrubber) -> "Event":
    """Exceptions lose all but their first line: the rest of a database's message is statements and rows."""
    for exception in (event.get("exception") or {}).get("values") or ():
        exception["value"] = (exception.get("value") or "").partition("\n")[0][:300]
    scrubbed: Event = scrubber.scrub(event)
    return scrubbed
