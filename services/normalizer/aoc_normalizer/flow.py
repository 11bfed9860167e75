"""AOC_RAW in, MongoDB and AOC_EVENTS out: read pages, map them, write the batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry import trace

from aoc_common.contracts.raw import RawPage
from aoc_common.telemetry import metrics, tracing
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading import RecordContext, Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from nats.aio.msg import Msg
    from opentelemetry.context import Context

    from aoc_common.contracts.event import Event
    from aoc_normalizer.recheck import Recheck


@dataclass(frozen=True, slots=True)
class MappedPage:
    """A raw page after mapping. `again`: it may have been worked on before, wholly or in part."""

    page: RawPage
    raw_seq: int
    again: bool
    trace: Context
    events: list[Event]
    rejected: list[Rejected] = field(default_factory=list)


def make_handler(
    write: Callable[[Sequence[MappedPage]], Awaitable[None]], recheck: Recheck
) -> Callable[[Sequence[Msg]], Awaitable[None]]:
    """The handler of AOC_RAW."""

    async def on_pages(messages: Sequence[Msg]) -> None:
        await write([map_page(message, recheck) for message in messages])

    return on_pages


def map_page(message: Msg, recheck: Recheck) -> MappedPage:
    """Read one message and normalise its records. Raises `Malformed` for headers that are none of ours."""
    page = RawPage.from_message(message.headers or {}, message.data)
    context = tracing.extract(message.headers)
    with tracing.tracer().start_as_current_span(
        "normalise.page", context=context, kind=trace.SpanKind.CONSUMER
    ) as span:
        events, rejected = normalise_page(page.body, RecordContext(page.tenant, page.source, page.fetched_at))
        span.set_attributes({"aoc.tenant": page.tenant, "aoc.source": page.source, "aoc.records": len(events)})
        for event in events:
            metrics.EVENTS_MAPPED.labels(event.mapper).inc()
            if "mapper-error" in event.tags:
                metrics.MAPPER_ERRORS.inc()
        sequence = message.metadata.sequence.stream
        return MappedPage(
            page=page,
            raw_seq=sequence,
            again=message.metadata.num_delivered > 1 or recheck.covers(sequence),
            trace=trace.set_span_in_context(span),
            events=events,
            rejected=rejected,
        )
