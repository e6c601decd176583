"""Defects reach the tracker with what is needed to understand them, and without secrets, variables or requests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from http_sink import Sink, http_sink
from secapi_core import error_tracking
from secapi_core.settings import Settings

SCRIPT = """
import logging
import structlog
from secapi_core import error_tracking, logs
from secapi_core.settings import Settings

settings = Settings()
logs.configure("info", "json", component="test", report=error_tracking.start(settings, "test"))
log = structlog.get_logger("secapi.test")

def connect(address, password):
    raise ConnectionError(f"cannot connect to {address}\\nparameters: [{password}]")

with structlog.contextvars.bound_contextvars(job_id="4711", scanner="noop"):
    try:
        connect(settings.database_url.get_secret_value(), "in-a-variable")
    except ConnectionError:
        log.exception("defect while running a job", detail="not sent")
    log.error("an error without an exception")
    log.warning("a warning", exc_info=ValueError("not a defect"))
try:
    raise KeyError("of a library")
except KeyError:
    logging.getLogger("library").exception("it says")
"""


@pytest.fixture
def tracker() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


def run(tracker: Sink, script: str = SCRIPT) -> "subprocess.CompletedProcess[str]":
    variables = {"SECAPI_DATABASE_URL": "postgresql://secapi:hunter2-password@db/secapi", "SENTRY_DSN": tracker.dsn}
    return subprocess.run(
        [sys.executable, "-c", script], env=os.environ | variables, capture_output=True, text=True, check=True
    )


def events(tracker: Sink) -> list[dict[str, Any]]:
    """The event of each envelope, which is three lines of JSON."""
    return [json.loads(each.body.splitlines()[2]) for each in tracker.posted if each.path == "/api/1/envelope/"]


def test_errors_that_are_logged_with_their_exceptions_are_reported_and_nothing_else(tracker: Sink) -> None:
    run(tracker)
    values = [event["exception"]["values"][-1] for event in events(tracker)]
    assert [value["type"] for value in values] == ["ConnectionError", "KeyError"]


def test_a_report_tells_the_component_its_version_and_what_it_was_at(tracker: Sink) -> None:
    run(tracker)
    tags = events(tracker)[0]["tags"]
    assert tags["component"] == "test"
    assert tags["version"]
    assert (tags["job_id"], tags["scanner"], tags["event"]) == ("4711", "noop", "defect while running a job")


def test_a_report_holds_no_secret_no_variable_no_source_and_no_surroundings(tracker: Sink) -> None:
    run(tracker)
    sent = b"\n".join(each.body for each in tracker.posted).decode()
    for secret in ("hunter2", "in-a-variable", "not sent"):
        assert secret not in sent
    event = events(tracker)[0]
    assert event["exception"]["values"][-1]["value"] == "cannot connect to [removed]"
    frame = event["exception"]["values"][-1]["stacktrace"]["frames"][-1]
    assert frame["function"] == "connect"
    assert not frame.keys() & {"vars", "context_line", "pre_context", "post_context"}
    assert not event.keys() & {"request", "user", "modules", "extra"}
    assert not event.get("breadcrumbs", {}).get("values")


def test_an_uncaught_exception_is_reported_too(tracker: Sink) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(tracker, SCRIPT.partition("log =")[0] + "\nraise RuntimeError('nobody caught it')\n")
    (event,) = events(tracker)
    assert event["exception"]["values"][-1]["value"] == "nobody caught it"


def test_logs_are_as_they_were(tracker: Sink) -> None:
    lines = [json.loads(line) for line in run(tracker).stderr.splitlines()]
    assert [line["event"] for line in lines] == [
        "defect while running a job",
        "an error without an exception",
        "a warning",
        "it says",
    ]
    assert "Traceback" in lines[0]["exception"]


def test_that_it_is_not_installed_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", "http://public@127.0.0.1:1/1")
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ImportError, match=r"install secapi\[errors\]"):
        error_tracking.start(Settings.model_validate({"database_url": "postgresql://nowhere"}), "test")
