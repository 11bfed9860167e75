"""What a request is called: in its answer, in the log, in its span; and what strangers call it is no way in."""

from __future__ import annotations

import re

import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aoc_common.settings import TelemetrySettings
from aoc_common.telemetry import tracing
from each import each

TRACE, SPAN = "ab" * 16, "cd" * 8
PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@pytest.fixture
def spans(gateway, monkeypatch):
    """The spans that are exported from now on."""
    exporter = InMemorySpanExporter()
    provider = tracing.make_provider("api", TelemetrySettings(), SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", lambda: provider.get_tracer("aoc"))
    return exporter.get_finished_spans


async def test_an_answer_its_span_and_the_log_have_the_same_ids(gateway, spans) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logged:
        headers = {"X-Correlation-Id": "case-17/step:3", "Authorization": "Bearer nobody's"}
        answer = await gateway.client.get("/api/events", headers=headers)
    (span,) = [span for span in spans() if span.name == "http.serve"]
    (refused,) = [line for line in logged if line["event"] == "sign_in.refused"]
    trace_id, span_id = PARENT.fullmatch(answer.headers["traceresponse"]).groups()

    assert answer.headers["x-correlation-id"] == "case-17/step:3"
    for names in (refused, {name.removeprefix("aoc."): value for name, value in span.attributes.items()}):
        assert names["request_id"] == answer.headers["x-request-id"]
        assert names["correlation_id"] == "case-17/step:3"
    assert (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}") == (trace_id, span_id)
    assert answer.json()["trace_id"] == trace_id
    assert structlog.contextvars.get_contextvars().get("request_id") is None


async def test_a_trace_of_the_caller_goes_on(gateway, spans) -> None:
    answer = await gateway.client.get("/livez", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    (span,) = spans()

    assert PARENT.fullmatch(answer.headers["traceresponse"])[1] == TRACE
    assert answer.headers["traceparent"] == answer.headers["traceresponse"]
    assert (f"{span.parent.span_id:016x}", span.parent.is_remote) == (SPAN, True)


async def test_a_caller_cannot_ask_not_to_be_recorded_and_nothing_else_of_his_is_carried_on(gateway, spans) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "a=b", "baggage": "tenant=fabrikam"}
    await gateway.client.get("/livez", headers=headers)
    (span,) = spans()

    assert f"{span.context.trace_id:032x}" == TRACE
    assert len(span.context.trace_state) == 0


@pytest.mark.parametrize(
    "parents",
    [
        ["nonsense"],
        [f"00-{'0' * 32}-{SPAN}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"],
        [f"ff-{TRACE}-{SPAN}-01"],
        [f"00-{TRACE.upper()}-{SPAN}-01-"],
        [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"],
        ["x" * 10_000],
    ],
)
async def test_a_trace_that_is_none_is_replaced(gateway, spans, parents) -> None:
    answer = await gateway.client.get("/livez", headers=[("traceparent", parent) for parent in parents])
    trace_id, _ = PARENT.fullmatch(answer.headers["traceresponse"]).groups()

    assert trace_id not in {TRACE, "0" * 32}
    assert spans()[0].parent is None


@each(
    "sent",
    [
        [],
        [""],
        ["x" * 129],
        ["\x1b[31mred"],
        ["two words"],
        ["<script>alert(1)</script>"],
        ['"quoted"'],
        ["-begins-with-a-sign"],
        ["caf\u00e9"],
        ["a", "b"],
        ["${jndi:ldap://x}"],
    ],
)
async def test_a_correlation_id_that_is_no_name_is_replaced_by_the_request_id(gateway, sent) -> None:
    headers = [(b"X-Correlation-Id", value.encode("latin-1")) for value in sent]
    answer = await gateway.client.get("/livez", headers=headers)

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers["x-correlation-id"] == answer.headers["x-request-id"]


async def test_the_id_of_a_request_is_never_the_callers(gateway) -> None:
    answer = await gateway.client.get("/livez", headers={"X-Request-Id": "mine"})

    assert answer.headers["x-request-id"] != "mine"
