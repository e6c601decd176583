"""Log lines: one JSON object each, from our own code and from libraries', with the ids of what they are about."""

import json
import os
import subprocess
import sys
from typing import Any

from secapi_dev.logs_reference import EVERYWHERE

SCRIPT = """
import logging
import structlog
from secapi_core import logs, tracing
from secapi_core.settings import Settings

settings = Settings(database_url="postgresql://nowhere")
logs.configure("info", "json", component="test")
stop = tracing.start(settings, "test")
log = structlog.get_logger("secapi.test")
log.debug("too quiet")
with structlog.contextvars.bound_contextvars(job_id="4711"), tracing.span("something"):
    log.info("ours", number=1)
    logging.getLogger("library").warning("theirs %s", "too")
    try:
        raise ValueError
    except ValueError:
        log.exception("went wrong")
"""


def lines(**environment: str) -> list[dict[str, Any]]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert not run.stdout
    return [json.loads(line) for line in run.stderr.splitlines()]


def test_every_line_has_the_fields_of_every_line() -> None:
    ours, theirs, wrong = lines()
    assert [line["event"] for line in (ours, theirs, wrong)] == ["ours", "theirs too", "went wrong"]
    expected = EVERYWHERE.keys() - {"exception", "trace_id"} | {"job_id"}
    assert ours.keys() == expected | {"number"}
    assert theirs.keys() == expected
    assert wrong.keys() == expected | {"exception"}
    assert (ours["component"], ours["logger"], ours["level"]) == ("test", "secapi.test", "info")


def test_lines_within_a_trace_carry_its_id() -> None:
    traced = lines(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY="60000")
    identifiers = {line["trace_id"] for line in traced}
    assert len(identifiers) == 1
    assert len(identifiers.pop()) == 32
