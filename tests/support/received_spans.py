"""Spans as a collector gets them by OTLP over HTTP."""

from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from http_sink import Sink


@dataclass(frozen=True)
class ReceivedSpan:
    """Ids in hexadecimal; ``parent`` is empty for a root, times are nanoseconds since the epoch."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    start: int
    end: int
    failed: bool
    attributes: dict[str, str]
    exceptions: list[dict[str, str]]


def received_spans(sink: Sink) -> list[ReceivedSpan]:
    """All spans so far."""
    requests = (ExportTraceServiceRequest.FromString(each.body) for each in sink.posted if each.path == "/v1/traces")
    return [
        ReceivedSpan(
            service=_strings(resource.resource.attributes)["service.name"],
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            failed=span.status.code == span.status.STATUS_CODE_ERROR,
            attributes=_strings(span.attributes),
            exceptions=[_strings(event.attributes) for event in span.events if event.name == "exception"],
        )
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _strings(attributes: object) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}  # type: ignore[attr-defined]  # generated without types
