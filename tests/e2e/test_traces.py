"""One trace per scan over all three components, and defects of any of them at the tracker, from a whole stack."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from http_sink import Sink, http_sink
from received_spans import ReceivedSpan, received_spans
from running_stack import LOOPBACK_POLICY, NAMESPACE, RunningStack, eventually, noop_spec, running_stack
from secapi_core.crds.scanrequest import TRACEPARENT
from secapi_dev import paths
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.progress import Progress

PHASES = ["claim", "prepare", "scan", "commit", "parse"]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def collector() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def tracker() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
async def traced_stack(
    collector: Sink, tracker: Sink, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningStack]:
    binaries = await find_or_build(Progress())
    with running_stack(
        tmp_path_factory.mktemp("traced"),
        kubectl=binaries.kubectl,
        workers=1,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="200",
        SENTRY_DSN=tracker.dsn,
    ) as stack:
        await stack.kubectl.apply(paths.CATALOGUE / "testing")
        await stack.apply(LOOPBACK_POLICY)
        yield stack


async def trace_of(collector: Sink, scan: str) -> list[ReceivedSpan]:
    """The spans of a scan's trace, once its job's and its last write's have come; by their start."""

    async def complete() -> list[ReceivedSpan]:
        spans = received_spans(collector)
        traces = {span.trace for span in spans if span.attributes.get("secapi.scan.id") == scan}
        found = [span for span in spans if span.trace in traces]
        names = {span.name.partition(" ")[0] for span in found}
        return sorted(found, key=lambda span: span.start) if {"job", "show"} <= names else []

    spans: list[ReceivedSpan] = await eventually(complete, within=30, what="the spans of the scan arrive")
    return spans


async def test_a_scan_by_rest_is_one_trace_from_the_request_to_the_results(
    traced_stack: RunningStack, collector: Sink
) -> None:
    scan = await traced_stack.submit(findings=3)
    await traced_stack.settled([scan], within=60)

    spans = await trace_of(collector, str(scan))
    assert len({span.trace for span in spans}) == 1
    by_name = {span.name: span for span in spans}
    request, plan, job = by_name["POST /v1/scans"], by_name["plan"], by_name["job noop"]
    assert (request.service, plan.service, job.service) == ("secapi-api", "secapi-operator", "secapi-worker")
    assert (request.parent, plan.parent, job.parent) == ("", request.id, plan.id)
    phases = [by_name[name] for name in PHASES]
    assert [span.parent for span in phases] == [job.id, job.id, job.id, job.id, by_name["commit"].id]
    assert [span.start for span in phases] == sorted(span.start for span in phases)
    assert all(job.start <= span.start <= span.end <= job.end for span in phases)
    assert not [span.name for span in spans if span.failed]


async def test_a_callers_own_trace_goes_on(traced_stack: RunningStack, collector: Sink) -> None:
    body = {"namespace": NAMESPACE, "spec": noop_spec(findings=1, seconds=0.0, targets=1)}
    callers = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with traced_stack.api() as api:
        scan = (await api.post("/v1/scans", json=body, headers={"traceparent": callers})).json()["id"]

    spans = await trace_of(collector, scan)
    assert {span.trace for span in spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert next(span for span in spans if span.name == "POST /v1/scans").parent == "b7ad6b7169203331"


async def test_a_scan_by_kubectl_is_traced_from_its_planning(traced_stack: RunningStack, collector: Sink) -> None:
    spec = noop_spec(findings=1, seconds=0.0, targets=1)
    metadata = {"name": "by-kubectl", "namespace": NAMESPACE}
    await traced_stack.apply(
        {"apiVersion": "secapi.dev/v1alpha1", "kind": "ScanRequest", "metadata": metadata, "spec": spec}
    )
    stored = json.loads(await traced_stack.kubectl("get", "scanrequest", "by-kubectl", "-o", "json"))
    assert TRACEPARENT not in stored["metadata"]["annotations"]

    spans = await trace_of(collector, stored["metadata"]["uid"])
    plan = next(span for span in spans if span.name == "plan")
    job = next(span for span in spans if span.name == "job noop")
    assert plan.parent == ""
    assert (job.trace, job.parent) == (plan.trace, plan.id)


async def test_what_a_job_failed_of_is_on_its_spans(traced_stack: RunningStack, collector: Sink) -> None:
    scan = await traced_stack.submit(scanners=[{"name": "noop", "parameters": {"exitCode": 3}}])
    await traced_stack.settled([scan], within=60)

    spans = {span.name: span for span in await trace_of(collector, str(scan))}
    for name in ("scan", "job noop"):
        (exception,) = spans[name].exceptions
        assert spans[name].failed
        assert exception["exception.type"] == "secapi_core.errors.JobFailed"
    assert "commit" not in spans


async def test_probes_are_not_traced(traced_stack: RunningStack, collector: Sink) -> None:
    async with traced_stack.api() as api:
        for path in ("/healthz", "/metrics", "/v1/scanners"):
            assert (await api.get(path)).status_code == 200

    async def arrived() -> bool:
        return "GET /v1/scanners" in {span.name for span in received_spans(collector)}

    await eventually(arrived, within=20, what="the span of a later request arrives")
    assert not {span.name for span in received_spans(collector)} & {"GET /healthz", "GET /readyz", "GET /metrics"}


async def test_a_defect_reaches_the_tracker_without_secrets(traced_stack: RunningStack, tracker: Sink) -> None:
    facts = traced_stack.facts
    async with traced_stack.database() as db, traced_stack.api() as api:
        await db.execute("ALTER TABLE scans RENAME TO scans_elsewhere")
        try:
            answer = await api.get("/v1/scans", params={"namespace": NAMESPACE})
        finally:
            await db.execute("ALTER TABLE scans_elsewhere RENAME TO scans")
    assert answer.status_code == 500

    async def events() -> list[dict[str, dict[str, str]]]:
        sent = [json.loads(each.body.splitlines()[2]) for each in tracker.posted]
        return [event for event in sent if event.get("tags", {}).get("component") == "api"]

    event = (await eventually(events, within=20, what="the API's event arrives"))[0]
    assert event["tags"]["request_id"] == answer.json()["requestId"]
    everything = b"\n".join(each.body for each in tracker.posted).decode()
    password = facts["databaseUrl"].partition("://")[2].partition("@")[0].partition(":")[2]
    assert [secret for secret in (password, facts["apiKey"], facts["databaseUrl"]) if secret in everything] == []
