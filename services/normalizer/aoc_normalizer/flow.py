"""AOC_RAW in, MongoDB and AOC_EVENTS out: read and map pages, write the batch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from opentelemetry import trace

from aoc_common.contracts.raw import RawPage
from aoc_common.telemetry import tracing
from aoc_normalizer.mapping import MappedPage, pack_page
from aoc_normalizer.reading.records import RecordContext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from nats.aio.msg import Msg

    from aoc_common.contracts.event import Event
    from aoc_normalizer.enrich.lookup import LookUp


def make_handler(
    write: Callable[[Sequence[MappedPage]], Awaitable[None]],
    look_up: LookUp,
    encode: Callable[[Event, str], bytes],
    living: Callable[[Sequence[Msg]], Awaitable[Sequence[Msg]]] | None = None,
) -> Callable[[Sequence[Msg]], Awaitable[None]]:
    """The handler of AOC_RAW. `living`: which pages are to be stored, see `tombstones`; None: all."""

    async def on_pages(messages: Sequence[Msg]) -> None:
        if living is not None:
            messages = await living(messages)
        if not messages:
            return
        await write(
            [
                replace(
                    await map_message(message, look_up, encode, message.metadata.timestamp),
                    sequence=message.metadata.sequence.stream,
                )
                for message in messages
            ]
        )

    return on_pages


async def map_message(
    message: Msg, look_up: LookUp, encode: Callable[[Event, str], bytes], on_bus: datetime
) -> MappedPage:
    """The events of one message, which the bus has since `on_bus`.

    Raises `Malformed` for headers that are none of ours, `Transient` as `look_up` does.
    """
    page = RawPage.from_message(message.subject, message.headers or {}, message.data).timed(on_bus)
    span = tracing.tracer().start_span(
        "normalise.page", context=tracing.extract(message.headers), kind=trace.SpanKind.CONSUMER
    )
    try:
        packed = await pack_page(
            page.body,
            RecordContext(page.tenant, page.source, page.fetched_at),
            look_up,
            partial(_encoded, encode, page.id),
        )
        span.set_attributes({"aoc.tenant": page.tenant, "aoc.source": page.source, "aoc.records": len(packed.events)})
    finally:
        span.end()
    return MappedPage(page, trace.set_span_in_context(span), packed.events, packed.rejected, opened=packed.texts)


def _encoded(encode: Callable[[Event, str], bytes], page: str, event: Event) -> bytes:
    return encode(event, page)
