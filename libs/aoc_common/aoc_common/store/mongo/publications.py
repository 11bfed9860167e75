"""The `publications` collection: what was published where, and events from the store as they were published.

A document is a batch of a page: `_id` `{incarnation}/{first}/{page}`, `last`, `ids` (16 bytes an event, in order) and
`digests` (place in the batch -> digest, of later versions). Keys sort as the stream does, incarnation by incarnation,
so what lies between two positions is one range of keys. The events themselves are looked up by their ids.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo import ASCENDING
from pymongo.errors import BulkWriteError

from aoc_common.contracts.publications import END, Position, PublishedSpan, Range
from aoc_common.contracts.reading import SKEW, Portion
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.events import duplicates
from aoc_common.store.mongo.published import PublishedEvents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.reading import EventFilter
    from aoc_common.store.mongo.published import Entry

#: How long it is known what was published where: as long as what became of its page.
RETENTION: Final = timedelta(days=90)
#: Events of a batch, at most (`bus.atomic`): a batch that reaches behind a position begins this close before it.
_LONGEST: Final = 999
_BATCHES: Final = 32
#: Sequences whose batches one query looks for.
_WINDOW: Final = 4_000
#: Bodies that are held at a time, about.
_MOST_BYTES: Final = 8 * 1024**2
_ID_BYTES: Final = 16


class MongoPublications:
    """`Publications` over `publications`, `events`, `event_versions` and `ledger_pages`."""

    def __init__(self, database: Database) -> None:
        self._publications = database["publications"]
        self._pages = database["ledger_pages"]
        self._events = PublishedEvents(database)

    async def note(self, spans: Sequence[PublishedSpan], at: datetime) -> None:
        """One write for all. What is noted already stays as it was."""
        if not spans:
            return
        with translated("publications"):
            try:
                await self._publications.insert_many([_document(span, at) for span in spans], ordered=False)
            except BulkWriteError as error:
                duplicates(error.details)

    async def portion(
        self, after: Position, upto: Position, event_filter: EventFilter, limit: int
    ) -> Portion[EventMessage]:
        """Reads batch by batch, and no further than it delivers."""
        walk = _Walk(after, upto)
        chosen: list[Entry] = []
        async with aclosing(self._batches(after, upto)) as batches:
            async for span in batches:
                if chosen and span.incarnation != chosen[0][0].incarnation:
                    break
                entries = walk.enter(span)
                if event_filter.of(span.tenant, span.source):
                    chosen += entries
                if len(chosen) >= limit:
                    break
            else:
                walk.finish()
        messages, missing, last = await self._messages(chosen[:limit], event_filter)
        unread = chosen[last:]
        end = chosen[last - 1][0] if unread else walk.position
        incarnation = chosen[0][0].incarnation if chosen else after.incarnation
        return Portion(messages, incarnation, end, missing, walk.lacking(end))

    async def since(self, moment: datetime) -> Position | None:
        """By the order of expiry, which is that of the notes."""
        with translated("publications"):
            document = await self._publications.find_one(
                {"expire_at": {"$gte": moment + RETENTION}},
                {"_id": 1},
                sort=[("expire_at", ASCENDING), ("_id", ASCENDING)],
            )
        if document is None:
            return None
        name, first, _ = document["_id"].split("/", 2)
        return Position(name, int(first) - 1)

    async def unsettled(self, before: datetime) -> bool:
        """Whether a page waits, or is in work, since before then."""
        with translated("ledger"):
            waits = {"waiting_since": {"$lte": before + SKEW}}
            return await self._pages.find_one(waits, {"_id": 1}) is not None

    async def _batches(self, after: Position, upto: Position) -> AsyncGenerator[PublishedSpan]:
        """Window by window: the local server reads all that a query matches before it sorts."""
        begin = _key(Position(after.incarnation, max(after.sequence + 1 - _LONGEST, 0)))
        end = _key(Position(upto.incarnation, upto.sequence + 1))
        with translated("publications"):
            while begin < end:
                window = min(_later(begin, _WINDOW), end)
                empty = True
                query = {"_id": {"$gte": begin, "$lt": window}}
                cursor = self._publications.find(query).sort("_id", ASCENDING).batch_size(_BATCHES)
                try:
                    async for document in cursor:
                        empty = False
                        yield _span(document)
                finally:
                    await cursor.close()
                begin = await self._next(window, end) if empty else window

    async def _next(self, begin: str, end: str) -> str:
        """The first key from `begin` on; `end` when there is none before that."""
        query = {"_id": {"$gte": begin, "$lt": end}}
        document = await self._publications.find_one(query, {"_id": 1}, sort=[("_id", ASCENDING)])
        return end if document is None else str(document["_id"])

    async def _messages(
        self, entries: Sequence[Entry], event_filter: EventFilter
    ) -> tuple[list[EventMessage], int, int]:
        """What is stored of these, how many are not any more, and how many of these that accounts for."""
        messages: list[EventMessage] = []
        missing, size, done = 0, 0, 0
        for some in batched(entries, BATCH_SIZE):
            stored = await self._events.messages(some)
            missing += sum(message is None for message in stored)
            messages += [message for message in stored if message is not None and event_filter.matches(message)]
            size += sum(len(message.body) for message in stored if message is not None)
            done += len(some)
            if size >= _MOST_BYTES:
                break
        return messages, missing, done


@dataclass(slots=True)
class _Walk:
    """Goes over batches in order. `seen`: the last sequence that is accounted for, a batch's mark included."""

    after: Position
    upto: Position
    finished: bool = False
    gaps: list[Range] = field(default_factory=list)
    seen: Position = field(init=False)
    behind: Position = field(init=False)

    def __post_init__(self) -> None:
        self.seen = self.behind = self.after

    @property
    def position(self) -> Position | None:
        """Behind all that was walked over; None at the end."""
        return None if self.finished else self.behind

    def enter(self, span: PublishedSpan) -> list[Entry]:
        """The events of a batch that are wanted: those behind `after` and not behind `upto`."""
        begin, end = self._bounds(span.incarnation)
        if span.incarnation != self.seen.incarnation:
            self.seen = Position(span.incarnation, 0)
        self._gap_before(span.first)
        self.seen = Position(span.incarnation, max(self.seen.sequence, span.last + 1))
        first, last = max(span.first, begin + 1), min(span.last, end)
        if first > last:
            return []
        self.behind = Position(span.incarnation, last)
        return [
            (Position(span.incarnation, sequence), span.ids[sequence - span.first], span.tenant)
            for sequence in range(first, last + 1)
        ]

    def finish(self) -> None:
        """There are no more batches."""
        self.finished = True
        if self.upto.sequence < END:
            if self.upto.incarnation != self.seen.incarnation:
                self.seen = Position(self.upto.incarnation, 0)
            self._gap_before(self.upto.sequence + 1)

    def lacking(self, end: Position | None) -> tuple[Range, ...]:
        """Sequences up to `end` that no batch accounts for."""
        if end is None:
            return tuple(self.gaps)
        return tuple(gap for gap in self.gaps if Position(gap.incarnation, gap.last) <= end)

    def _bounds(self, incarnation: str) -> tuple[int, int]:
        """Of one incarnation: behind which sequence, and up to which."""
        begin = self.after.sequence if incarnation == self.after.incarnation else 0
        return begin, self.upto.sequence if incarnation == self.upto.incarnation else END

    def _gap_before(self, first: int) -> None:
        if first > self.seen.sequence + 1:
            self.gaps.append(Range(self.seen.incarnation, self.seen.sequence + 1, first - 1))


def _key(position: Position) -> str:
    return f"{position.incarnation}/{position.sequence:016d}"


def _later(key: str, sequences: int) -> str:
    """The key so many sequences behind another one, of the same incarnation."""
    name, first, *_ = key.split("/", 2)
    return _key(Position(name, int(first) + sequences))


def _document(span: PublishedSpan, at: datetime) -> Document:
    pairs = [id_.partition(":") for id_ in span.ids]
    document: Document = {
        "_id": f"{_key(Position(span.incarnation, span.first))}/{span.page}",
        "last": span.last,
        "tenant": span.tenant,
        "source": span.source,
        "ids": b"".join(UUID(event).bytes for event, _, _ in pairs),
        "expire_at": at + RETENTION,
    }
    if digests := {str(place): digest for place, (_, _, digest) in enumerate(pairs) if digest}:
        document["digests"] = digests
    return document


def _span(document: Document) -> PublishedSpan:
    name, first, page = document["_id"].split("/", 2)
    packed: Any = document["ids"]
    digests = document.get("digests", {})
    ids = tuple(
        _message_id(UUID(bytes=bytes(packed[start : start + _ID_BYTES])), digests.get(str(start // _ID_BYTES)))
        for start in range(0, len(packed), _ID_BYTES)
    )
    return PublishedSpan(name, int(first), page, document["tenant"], document["source"], ids)


def _message_id(event: UUID, digest: str | None) -> str:
    return str(event) if digest is None else f"{event}:{digest}"
