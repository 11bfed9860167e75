"""A raw page's records as events ready to store and publish, a few records at a time.

A record is read, named, mapped and packed while its objects are in the processor's cache, and then they are let go. To
map whole pages before packing them takes a third more time and many times the memory (docs/performance.md).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.event import PackedEvent
from aoc_common.errors import Permanent
from aoc_common.store.pages import PublishedPage
from aoc_common.store.remarks import REMARKABLE
from aoc_normalizer import metrics
from aoc_normalizer.enrich.identify import keys
from aoc_normalizer.mappers import GENERIC
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading.records import PageReader, Reading, RecordContext, Rejected
from aoc_normalizer.reading.split import split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from opentelemetry.context import Context

    from aoc_common.contracts.event import Event
    from aoc_common.contracts.raw import RawPage
    from aoc_normalizer.enrich.lookup import LookUp

#: Records that are worked on together: their objects fit the cache, and one look-up serves them all.
_TOGETHER: Final = 20

type Encode = Callable[[Event], bytes]
"""The event as it will be stored. Raises `Permanent` for one that can never be."""


@dataclass(frozen=True, slots=True)
class PackedPage:
    """The events of a page, and what could not become one.

    `texts`: the records' texts by the events' `position`, where some of them were in containers; else empty.
    """

    events: list[PackedEvent] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MappedPage:
    """A raw page after mapping. `sequence`: where it lies on AOC_RAW. `opened`: as `PackedPage.texts`."""

    page: RawPage
    trace: Context
    events: list[PackedEvent]
    rejected: list[Rejected]
    sequence: int = 0
    opened: Sequence[str] = ()

    @property
    def texts(self) -> Sequence[str]:
        """The texts of its records, by the events' `position`. Cuts the page each time, unless it held containers."""
        return self.opened or [record.decode("utf-8", "replace") for record in split(self.page.body)[0]]

    def on_bus(self, since: datetime) -> PublishedPage:
        """As the ledger knows a page that waits, `since` then."""
        page = self.page
        return PublishedPage(page.id, page.tenant, page.source, page.slice_id, self.sequence, since)


async def pack_page(body: bytes, context: RecordContext, look_up: LookUp, encode: Encode) -> PackedPage:
    """Every record of a raw page, also those in containers. Raises `Transient` when names cannot be looked up."""
    records, broken = split(body)
    page = PackedPage(rejected=[Rejected(part.text, part.reason) for part in broken])
    reader = PageReader(records, context)
    mappers: Counter[str] = Counter()
    for together in batched(enumerate(reader.results()), _TOGETHER):
        readings = [(position, result) for position, result in together if isinstance(result, Reading)]
        page.rejected.extend(result for _, result in together if isinstance(result, Rejected))
        wanted = {key for _, reading in readings for key in keys(reading.draft)}
        known = (await look_up({context.tenant: wanted}))[context.tenant]
        for position, reading in readings:
            event = finish(reading, known)
            mappers[event.mapper] += 1
            try:
                page.events.append(_packed(event, position, encode, reading.note))
            except Permanent as error:
                page.rejected.append(Rejected(event.raw, str(error)))
    for name, count in mappers.items():
        metrics.EVENTS_MAPPED.labels(name).inc(count)
    metrics.MAPPER_ERRORS.inc(sum(event.note is not None for event in page.events))
    page.texts.extend(reader.texts)
    return page


def _packed(event: Event, position: int, encode: Encode, note: str | None) -> PackedEvent:
    document = encode(event)
    return PackedEvent(
        event.id,
        event.tenant,
        event.source,
        event.time_ms,
        event.class_uid,
        event.operation,
        document,
        event.message(),
        position,
        event.text,
        note,
        event.twin_facts,
        former=event.former,
        kin=event.kin,
        exact_by=event.exact_by,
        understood=event.mapper != GENERIC.name,
        remarks=tuple([tag for tag in event.tags if tag in REMARKABLE]) if event.tags else (),
        service=event.service,
        actor=event.actor,
    )
