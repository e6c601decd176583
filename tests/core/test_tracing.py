"""Traces: nothing while switched off; switched on, spans go to the collector and say nothing that is secret."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from http_sink import Sink, http_sink
from received_spans import received_spans
from secapi_core import tracing
from secapi_core.settings import Settings

OFF = """
import sys
from secapi_api import app, main as api
from secapi_operator import main as operator
from secapi_workers import app as workers, main as worker
from secapi_core import error_tracking, tracing
from secapi_core.settings import Settings

settings = Settings(database_url="postgresql://nowhere")
tracing.start(settings, "test")()
assert error_tracking.start(settings, "test") is None
with tracing.span("nothing"):
    assert tracing.current() is None
# The Redis client imports the SDK's metrics by itself where they are installed.
unwanted = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "sentry_sdk", "secapi_core.trace_export")
print([name for name in sys.modules if name.startswith(unwanted)])
"""

ON = """
from secapi_core import tracing
from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.settings import Settings

stop = tracing.start(Settings(database_url="postgresql://nowhere"), "test")
try:
    with tracing.span("outer", parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", attributes={"a": "b"}):
        print(tracing.current())
        with tracing.span("inner"):
            raise JobFailed(FailureReason.TIMED_OUT, "too long\\nstatement: SELECT secret")
except JobFailed:
    pass
stop()
"""


@pytest.fixture
def collector() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


def python(script: str, **environment: str) -> str:
    """What a fresh interpreter says."""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_switched_off_nothing_of_it_is_even_imported() -> None:
    assert python(OFF) == "[]"


def test_spans_continue_the_trace_they_were_given(collector: Sink) -> None:
    told = python(ON, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    spans = {span.name: span for span in received_spans(collector)}
    outer, inner = spans["outer"], spans["inner"]
    assert outer.service == inner.service == "secapi-test"
    assert outer.trace == inner.trace == "0af7651916cd43dd8448eb211c80319c"
    assert (outer.parent, inner.parent) == ("b7ad6b7169203331", outer.id)
    assert outer.attributes == {"a": "b"}
    assert told == f"00-{outer.trace}-{outer.id}-01"


def test_an_exception_is_recorded_on_every_span_that_it_ends_without_what_it_quotes(collector: Sink) -> None:
    python(ON, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces")
    for span in received_spans(collector):
        (recorded,) = span.exceptions
        assert span.failed
        assert recorded["exception.type"] == "secapi_core.errors.JobFailed"
        assert recorded["exception.message"] == "JobFailed: TimedOut: too long"
        assert "SELECT" not in recorded["exception.stacktrace"]


def test_an_empty_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    settings = Settings.model_validate({"database_url": "postgresql://nowhere"})
    assert not settings.traces
    tracing.start(settings, "test")()


def test_that_it_is_not_installed_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "secapi_core.trace_export", raising=False)
    with pytest.raises(ImportError, match=r"install secapi\[tracing\]"):
        tracing.start(Settings.model_validate({"database_url": "postgresql://nowhere"}), "test")
