"""AOC_RAW in, MongoDB and AOC_EVENTS out: read pages, look up names, map, write the batch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry import trace

from aoc_common.contracts.raw import RawPage
from aoc_common.telemetry import metrics, tracing
from aoc_normalizer.identify import keys
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading import RecordContext, Rejected, read_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from nats.aio.msg import Msg
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from aoc_common.contracts.event import Event
    from aoc_normalizer.knowledge import Knowledge, Learn
    from aoc_normalizer.reading import Reading
    from aoc_normalizer.recheck import Recheck


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A raw page before mapping. `again`: it may have been worked on before, wholly or in part."""

    page: RawPage
    raw_seq: int
    again: bool
    span: Span
    readings: list[Reading]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class MappedPage:
    """A raw page after mapping."""

    page: RawPage
    raw_seq: int
    again: bool
    trace: Context
    events: list[Event]
    rejected: list[Rejected] = field(default_factory=list)


def make_handler(
    write: Callable[[Sequence[MappedPage]], Awaitable[None]], learn: Learn, recheck: Recheck
) -> Callable[[Sequence[Msg]], Awaitable[None]]:
    """The handler of AOC_RAW."""

    async def on_pages(messages: Sequence[Msg]) -> None:
        pages = [read_message(message, recheck) for message in messages]
        known = await learn(wanted(pages))
        await write([map_page(page, known[page.page.tenant]) for page in pages])

    return on_pages


def read_message(message: Msg, recheck: Recheck) -> ReadPage:
    """Read one message's records. Raises `Malformed` for headers that are none of ours."""
    page = RawPage.from_message(message.headers or {}, message.data)
    span = tracing.tracer().start_span(
        "normalise.page", context=tracing.extract(message.headers), kind=trace.SpanKind.CONSUMER
    )
    readings, rejected = read_page(page.body, RecordContext(page.tenant, page.source, page.fetched_at))
    span.set_attributes({"aoc.tenant": page.tenant, "aoc.source": page.source, "aoc.records": len(readings)})
    sequence = message.metadata.sequence.stream
    again = message.metadata.num_delivered > 1 or recheck.covers(sequence)
    return ReadPage(page, sequence, again, span, readings, rejected)


def wanted(pages: Sequence[ReadPage]) -> Mapping[str, set[str]]:
    """What to look up for these pages, by tenant."""
    found: dict[str, set[str]] = defaultdict(set)
    for page in pages:
        found[page.page.tenant].update(key for reading in page.readings for key in keys(reading.draft))
    return found


def map_page(page: ReadPage, known: Knowledge) -> MappedPage:
    """The page's events."""
    events = [finish(reading, known) for reading in page.readings]
    page.span.end()
    for event in events:
        metrics.EVENTS_MAPPED.labels(event.mapper).inc()
        if "mapper-error" in event.tags:
            metrics.MAPPER_ERRORS.inc()
    context = trace.set_span_in_context(page.span)
    return MappedPage(page.page, page.raw_seq, page.again, context, events, page.rejected)
