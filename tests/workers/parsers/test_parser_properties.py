"""No bytes and no JSON make a parser raise anything but ``JobFailed``, or give more than it may."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports import EXPECTED, SAMPLES, parse, sample
from secapi_core.crds.scanner import OutputFormat
from secapi_core.errors import JobFailed
from secapi_core.findings import DETAILS_LIMIT, Finding
from secapi_core.fingerprints import identify

LIMITS = {"max_findings": 50, "max_quarantined": 20, "max_entry_bytes": 200_000}
SMALL = [name for name in EXPECTED if (SAMPLES / name).stat().st_size < 30_000]
JSON_SAMPLES = [name for name in SMALL if not name.endswith(".xml")]
every_format = pytest.mark.parametrize("output_format", list(OutputFormat))

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["\0", "CWE-79", "CVE-2026-12345", "9.8", "file://", "http://[", "{0}", "-1", "99999999999"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


def check(output_format: OutputFormat, report: bytes) -> None:
    """Parse, and hold what comes out to what the ledger relies on."""
    with contextlib.suppress(JobFailed):
        items = parse(output_format, report, **LIMITS)
        found = [item for item in items if isinstance(item, Finding)]
        assert len(found) <= LIMITS["max_findings"]
        assert len(items) - len(found) <= LIMITS["max_quarantined"]
        assert "\0" not in repr(items)
        for finding in found:
            assert finding.rule
            assert finding.title
            assert len(orjson.dumps(finding.details)) <= DETAILS_LIMIT
        list(identify("ns", "target", "family", found))


@every_format
@given(report=st.binary(max_size=2_000))
def test_arbitrary_bytes(output_format: OutputFormat, report: bytes) -> None:
    check(output_format, report)


@every_format
@given(value=values)
def test_arbitrary_json(output_format: OutputFormat, value: Any) -> None:
    check(output_format, json.dumps(value).encode())


@st.composite
def damaged(draw: st.DrawFn) -> tuple[OutputFormat, bytes]:
    """A real report with up to four places cut out, doubled, or written over."""
    output_format, path = sample(draw(st.sampled_from(SMALL)))
    report = path.read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(report)))
        end = min(len(report), start + draw(st.integers(0, 200)))
        middle = draw(st.sampled_from([b"", report[start:end] * 2]) | st.binary(max_size=20))
        report = report[:start] + middle + report[end:]
    return output_format, report


@given(damaged())
@settings(max_examples=300)
def test_damaged_reports(damage: tuple[OutputFormat, bytes]) -> None:
    check(*damage)


Put = Callable[[Any], None]


def places(value: Any) -> list[Put]:
    """A function for every place in ``value`` that puts something else there."""
    found: list[Put] = []
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, inner in pairs:
        found.append(lambda other, key=key: value.__setitem__(key, other))  # type: ignore[misc]  # default binds the key
        found.extend(places(inner))
    return found


@st.composite
def distorted(draw: st.DrawFn) -> tuple[OutputFormat, bytes]:
    """A real JSON report with up to six of its values replaced by others."""
    output_format, path = sample(draw(st.sampled_from(JSON_SAMPLES)))
    report = json.loads(path.read_bytes())
    for _ in range(draw(st.integers(1, 6))):
        draw(st.sampled_from(places(report)))(draw(values))
    return output_format, json.dumps(report).encode()


@given(distorted())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_distorted_reports(distortion: tuple[OutputFormat, bytes]) -> None:
    check(*distortion)
