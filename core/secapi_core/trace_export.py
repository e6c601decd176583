"""Sending spans to a collector by OTLP over HTTP. Brings the OpenTelemetry SDK, so it is imported only when needed.

Where to, how often and how much is sent is for OpenTelemetry's own variables to say: ``OTEL_EXPORTER_OTLP_…``,
``OTEL_TRACES_SAMPLER``, ``OTEL_BSP_…``, ``OTEL_RESOURCE_ATTRIBUTES``.
"""

import os
from collections.abc import Callable
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start(component: str) -> Callable[[], None]:
    """Send every span of this process; returns what sends the last ones and stops."""
    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", f"secapi-{component}"),
            "service.namespace": "secapi",
            "service.version": version("secapi"),
        }
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown
