"""OpenTelemetry over NATS headers: one trace from the collector's HTTP call to the MongoDB insert.

Spans are always made, so that logs carry trace ids; they are exported only when an endpoint is configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    from aoc_common.settings import TelemetrySettings

_RECORDED: Final = trace.TraceFlags(trace.TraceFlags.SAMPLED)


def configure(service: str, settings: TelemetrySettings) -> TracerProvider:
    """Install the tracer provider of this process."""
    provider = make_provider(service, settings)
    trace.set_tracer_provider(provider)
    return provider


def make_provider(service: str, settings: TelemetrySettings, processor: SpanProcessor | None = None) -> TracerProvider:
    """A tracer provider. `processor` replaces the OTLP exporter, for tests."""
    # Imported here, as all of the SDK: commands trace nothing.
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"aoc-{service}"}))
    if processor is not None:
        provider.add_span_processor(processor)
    elif settings.otlp_endpoint:
        # Imported here: protobuf costs every process 20 MB, and most run without an exporter.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
    return provider


def tracer() -> trace.Tracer:
    """The project's tracer."""
    return trace.get_tracer("aoc")


def inject(headers: dict[str, str], context: Context | None = None) -> dict[str, str]:
    """Add a trace (`traceparent`), by default the current one, to message headers; returns the same dict."""
    propagate.inject(headers, context)
    return headers


def extract(headers: Mapping[str, str] | None) -> Context:
    """The trace that a message belongs to."""
    return propagate.extract(headers or {})


def accepted(traceparents: Sequence[str]) -> Context:
    """The trace that the headers of a stranger's request say it belongs to; of none, when they are not one, or none.

    It is recorded whatever the header says of that, or strangers could hide what they do; and nothing else that they
    might send along (`tracestate`, `baggage`) is carried on.
    """
    named = {"traceparent": traceparents[0]} if len(traceparents) == 1 else {}
    found = trace.get_current_span(TraceContextTextMapPropagator().extract(named, Context())).get_span_context()
    if not found.is_valid:
        return Context()
    remote = trace.SpanContext(found.trace_id, found.span_id, is_remote=True, trace_flags=_RECORDED)
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), Context())


def parent_of(span: trace.Span) -> str:
    """A span as `traceparent` names it (https://www.w3.org/TR/trace-context/)."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def link(context: Context) -> trace.Link | None:
    """A link to the span that `context` names, if it names one."""
    span = trace.get_current_span(context).get_span_context()
    return trace.Link(span) if span.is_valid else None
