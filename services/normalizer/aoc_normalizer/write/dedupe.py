"""Stores the events of a batch of pages: what is new, what is a version of what is stored, what is a duplicate.

All that is new costs one insert. Only what the server refuses as known is looked at, by its id and the digest of its
text; only where the text is another one are the stored ones read and compared by what they say (`versions`). Whatever
this writes, it reads again until nothing is left to write: so a page that comes again, after a crash at any write or at
another replica, ends with the same answer. Each event and version names the page that had it stored.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import ids, subjects
from aoc_common.errors import Permanent, Unreachable
from aoc_common.store.sightings import Adoption
from aoc_common.store.versions import NewVersion
from aoc_normalizer.enrich.lookup import NOTHING
from aoc_normalizer.fields import times, values
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading.records import Reading, RecordContext, read
from aoc_normalizer.write import lost_versions
from aoc_normalizer.write.versions import MODIFIED, Meaning, meaning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.store.events import EventStore
    from aoc_common.store.page_ledger import PageLedger
    from aoc_common.store.sightings import EventSightings, Sighting
    from aoc_common.store.versions import EventVersions, History, StoredVersion
    from aoc_normalizer.write.batch import Batch

#: Events whose versions are worked on together.
_TOGETHER: Final = 50
#: How often the same events are read again because something was written, by us or somebody else.
_ROUNDS: Final = 10


class Deduplicator:
    """Brings the events of batches into the store. Idempotent."""

    def __init__(
        self, events: EventStore, sightings: EventSightings, versions: EventVersions, ledger: PageLedger
    ) -> None:
        self._events = events
        self._sightings = sightings
        self._versions = versions
        self._ledger = ledger

    async def store(self, batch: Batch) -> None:
        """Store what is not stored yet, and find what other deliveries of these pages have done. Raises `Transient`."""
        if gone := await self._ledger.gone(batch.names()):
            # They wait again: another replica, which had found them gone, may just now have forgotten that.
            await self._ledger.back([one.on_bus(one.page.fetched_at) for one in batch.pages if one.page.id in gone])
        known = await self._under_other_ids(batch)
        await self._insert(batch, [number for number in range(len(batch.rows)) if number not in known])
        rest = [number for number in range(len(batch.rows)) if number not in batch.first | batch.refused.keys()]
        beside = await self._recognise(batch, rest, one_record=False)
        if beside:
            # A record that shares its id with an event of another operation, say: an event of its own.
            for number, by in beside.items():
                row = batch.rows[number]
                identity = ids.beside(row.event.id, by)
                row.event = replace(
                    row.event, id=identity, document=self._events.under_id(row.event.document, identity)
                )
            await self._insert(batch, list(beside))
            left = [number for number in beside if number not in batch.first | batch.refused.keys()]
            await self._recognise(batch, left, one_record=True)
        keys = {
            batch.rows[number].page: (batch.page(number).page.slice_id, batch.page(number).page.id)
            for number in batch.before
        }
        settled = await self._ledger.settled(keys.values())
        batch.done = {number for number, key in keys.items() if key in settled}

    async def still_there(self, batch: Batch) -> None:
        """Raises `Transient` when a page was taken for lost while it was in work.

        Whoever brings its records again makes them its own (`_adopt`): to count them here too would count them twice.
        """
        if gone := await self._ledger.gone(batch.names()):
            raise Unreachable(f"{len(gone)} pages in work were gone from the bus; they are collected again")

    async def _under_other_ids(self, batch: Batch) -> set[int]:
        """Rows whose record is stored under another id, which stays. None for nearly all.

        An older version of AOC gave it, or it came by an interface that tells its time less exactly.
        """
        others = {number: row.event.kin for number, row in enumerate(batch.rows) if row.event.kin}
        aged = [number for number, row in enumerate(batch.rows) if row.event.former]
        if aged:
            until = await self._sightings.former_until()
            latest = None if until is None else ids.to_ms(until)
            for number in aged:
                event = batch.rows[number].event
                if latest is None or event.time_ms <= latest:
                    others[number] = (*event.former, *event.kin)
        if not others:
            return set()
        stored = await self._sightings.sightings({one for several in others.values() for one in several})
        known = set()
        for number, several in others.items():
            if (old := next((one for one in several if one in stored), None)) is not None:
                event = batch.rows[number].event
                batch.rows[number].event = replace(event, id=old, document=self._events.under_id(event.document, old))
                known.add(number)
        return known

    async def _insert(self, batch: Batch, numbers: Sequence[int]) -> None:
        """Store the first of these rows of each event; where that can never be stored, the next."""
        left = list(numbers)
        while left:
            some = batch.unique(left)
            await self._insert_each(batch, some)
            refused = {batch.rows[number].event.id for number in some if number in batch.refused}
            left = [one for one in left if batch.rows[one].event.id in refused and one not in batch.refused]

    async def _insert_each(self, batch: Batch, numbers: Sequence[int]) -> None:
        try:
            batch.first |= await self._inserted(batch, numbers)
        except Permanent:
            # One event of the batch cannot be stored: find it, store the others.
            for number in numbers:
                try:
                    batch.first |= await self._inserted(batch, [number])
                except Permanent as error:
                    batch.refused[number] = str(error)

    async def _inserted(self, batch: Batch, numbers: Sequence[int]) -> set[int]:
        new = await self._events.insert_encoded([batch.rows[number].event.document for number in numbers])
        first = {numbers[position] for position in new}
        # The same record may stand on its page once more: that is a duplicate.
        batch.claimed |= {(batch.rows[number].event.id, 1) for number in first}
        return first

    async def _recognise(self, batch: Batch, numbers: Sequence[int], *, one_record: bool) -> dict[int, str]:
        """What became of rows that are stored already; those that are events of their own, and by what."""
        if not numbers:
            return {}
        stored = await self._sightings.sightings({batch.rows[number].event.id for number in numbers})
        if adopted := await self._adopt(batch, numbers, stored):
            stored |= await self._sightings.sightings(adopted)
        unlike: dict[UUID, list[int]] = defaultdict(list)
        revived: list[int] = []
        earlier: dict[tuple[UUID, int], datetime] = {}
        for number in numbers:
            event, page = batch.rows[number].event, batch.page(number).page
            sighting = stored.get(event.id)
            if sighting is None:
                raise Unreachable("events: an event that was refused as known is gone; the page is tried again")
            if sighting.forgotten:
                # What retention has removed comes back by a person's import only, not by a look back.
                if page.source == subjects.IMPORT_SOURCE and sighting.page not in page.known_as:
                    revived.append(number)
                else:
                    batch.claim(number, sighting)
            elif not sighting.is_only(event.text):
                unlike[event.id].append(number)
            else:
                _note_same(batch, number, sighting, earlier)
        if revived:
            wanted = batch.unique(revived)
            await self._events.revive([batch.rows[number].event.document for number in wanted])
            return await self._recognise(batch, revived, one_record=one_record)
        await self._sightings.seen_earlier(earlier)
        beside: dict[int, str] = {}
        for together in batched(unlike, _TOGETHER):
            rows = [number for event in together for number in unlike[event]]
            comparison = _Comparison(batch, self._sightings, self._versions, self._ledger, one_record=one_record)
            beside |= await comparison.run(rows)
        return dict(sorted(beside.items()))

    async def _adopt(self, batch: Batch, numbers: Sequence[int], stored: Mapping[UUID, Sighting]) -> set[UUID]:
        """Events of pages that are gone become those of the pages that bring the same again; which they are.

        Whether they were published nobody knows but the marks, which name the page that is gone. Of events with
        versions see `_Comparison`.
        """
        gone = await self._ledger.gone({sighting.page for sighting in stored.values()})
        found: dict[UUID, Adoption] = {}
        for number in numbers if gone else ():
            event, page = batch.rows[number].event, batch.page(number).page
            sighting = stored.get(event.id)
            if sighting is not None and sighting.is_only(event.text) and sighting.page in gone - page.known_as:
                found.setdefault(event.id, Adoption(event.id, 1, sighting.page, page.id))
        await self._sightings.adopt(list(found.values()))
        return set(found)


def _note_same(batch: Batch, row: int, sighting: Sighting, earlier: dict[tuple[UUID, int], datetime]) -> None:
    batch.claim(row, sighting)
    fetched = batch.page(row).page.fetched_at
    if ids.to_ms(fetched) < sighting.fetched_ms:
        _keep_earliest(earlier, (batch.rows[row].event.id, 1), fetched)


class _Comparison:
    """Compares rows with the versions of the events whose ids they have."""

    def __init__(
        self,
        batch: Batch,
        sightings: EventSightings,
        versions: EventVersions,
        ledger: PageLedger,
        *,
        one_record: bool,
    ) -> None:
        self._batch = batch
        self._sightings = sightings
        self._versions = versions
        self._ledger = ledger
        self._one_record = one_record
        self._meanings: dict[tuple[str, str, int], Meaning | None] = {}
        self._beside: dict[int, str] = {}
        self._new: dict[UUID, dict[str, NewVersion]] = {}
        self._repairs: list[tuple[StoredVersion, bytes]] = []
        self._earlier: dict[tuple[UUID, int], datetime] = {}
        self._gone: set[str] = set()
        self._adoptions: dict[tuple[UUID, int], Adoption] = {}
        self._asked: set[tuple[int, str]] = set()

    async def run(self, rows: Sequence[int]) -> dict[int, str]:
        """Adopt, add, repair and show until nothing is left to do; rows that are events of their own, and by what."""
        texts = self._batch.texts(rows)
        open_rows = list(rows)
        events = {self._batch.rows[number].event.id for number in rows}
        for _ in range(_ROUNDS):
            self._new, self._repairs, self._earlier, self._adoptions = {}, [], {}, {}
            histories = await self._versions.histories(events)
            pages = {one.page for history in histories.values() for one in history.versions.values()}
            self._gone = await self._ledger.gone(pages)
            open_rows = [number for number in open_rows if not self._judged(number, texts[number], histories)]
            current = [found for one in histories.values() if (found := self._other_current(one)) is not None]
            if not (self._new or self._repairs or self._earlier or self._adoptions or current):
                if not (left := self._orphans(rows, histories)):
                    return self._beside
                await self._sightings.adopt(left)
            if self._adoptions:
                await self._sightings.adopt(list(self._adoptions.values()))
            if self._new:
                await self._versions.add([one for of_event in self._new.values() for one in of_event.values()])
            if self._repairs:
                await self._versions.replace(self._repairs)
            if self._earlier:
                await self._sightings.seen_earlier(self._earlier)
            if current and not self._new:
                await self._versions.show(current)
        raise Unreachable("event_versions: others keep changing the same events; the page is tried again")

    def _orphans(self, rows: Sequence[int], histories: Mapping[UUID, History]) -> list[Adoption]:
        """Versions of lost pages that no row brings, to be adopted; those that were are added to the batch."""
        found: list[Adoption] = []
        batch = self._batch
        for history in histories.values():
            mine = [row for row in rows if batch.rows[row].event.id == history.event]
            for number, one in history.versions.items():
                if one.page in self._gone and (adopts := (-number, f"{history.event} {one.page}")) not in self._asked:
                    self._asked.add(adopts)
                    found.append(Adoption(history.event, number, one.page, batch.page(mine[0]).page.id))
                elif one.origin is not None and (history.event, number) not in batch.claimed:
                    of = next((row for row in mine if one.page in batch.page(row).page.known_as), None)
                    if of is not None and (event := lost_versions.packed(one, history.document["tenant"])) is not None:
                        batch.add(batch.rows[of].page, event, one)
        return found

    def _judged(self, row: int, text: str, histories: dict[UUID, History]) -> bool:
        """Note what a row is; whether that is final."""
        batch = self._batch
        event, page = batch.rows[row].event, batch.page(row).page
        history = histories.get(event.id)
        if history is None:
            raise Unreachable("events: an event was removed while it was compared; the page is tried again")
        mine = self._meaning(text, page.source, page.fetched_at, event.tenant)
        theirs = {
            number: self._meaning(one.raw, one.source, one.fetched, event.tenant)
            for number, one in history.versions.items()
            if one.raw != text
        }
        same = next((one for one in history.versions.values() if one.raw == text), None)
        if same is None and mine is not None:
            same = next((history.versions[n] for n, one in theirs.items() if one and one.said == mine.said), None)
            if same is None and mine.apart and not self._one_record and mine.is_beside(theirs.values()):
                self._beside[row] = mine.apart[1]
                return True
        if (
            same is not None
            and same.page in self._gone - page.known_as
            and (adopts := (row, same.page)) not in self._asked
        ):
            self._asked.add(adopts)
            self._adoptions.setdefault((event.id, same.number), Adoption(event.id, same.number, same.page, page.id))
            return False
        if same is not None:
            batch.claim(row, same)
            if page.fetched_at < same.fetched:
                _keep_earliest(self._earlier, (event.id, same.number), page.fetched_at)
            return True
        alike = {number: one for number, one in theirs.items() if one is not None and mine and one.shape == mine.shape}
        if mine is None or not alike or any(one.repairs(mine) for one in alike.values()):
            return True  # the same record in another shape, or damaged on its way: nothing that is not known
        if (damaged := next((number for number, one in alike.items() if mine.repairs(one)), None)) is not None:
            self._repairs.append((history.versions[damaged], event.document))
            return True
        of_event = self._new.setdefault(event.id, {})
        number = max(*history.versions, history.shown[1]) + 1 + len(of_event)
        of_event.setdefault(mine.digest, NewVersion(history, number, mine.digest, event.document))
        return False

    def _other_current(self, history: History) -> tuple[History, int] | None:
        """The version to show of an event, if another one, or another number of them, is shown: the newest.

        That is by the source's own time of modification; without one, or of two that have the same, by the time at
        which a version was fetched first. The order of arrival says nothing.
        """
        if len(history.versions) == 1:
            return None
        tenant = history.document["tenant"]
        ranks = {}
        for number, one in history.versions.items():
            told = self._meaning(one.raw, one.source, one.fetched, tenant)
            ranks[number] = (told.rank if told else (0, 0), -number)
        newest = max(ranks, key=ranks.__getitem__)
        if history.shown == (newest, max(history.versions)):
            return None
        return history, newest

    def _meaning(self, text: str, source: str, fetched: datetime, tenant: str) -> Meaning | None:
        """What a text says; None for one that no mapper of today can read."""
        key = (text, source, ids.to_ms(fetched))
        if key not in self._meanings:
            self._meanings[key] = _meaning(text, RecordContext(tenant, source, fetched))
        return self._meanings[key]


def _meaning(text: str, context: RecordContext) -> Meaning | None:
    reading = read(text.encode("utf-8", "replace"), context)
    if not isinstance(reading, Reading):
        return None
    modified = values.first(reading.record, *MODIFIED.get(reading.mapper.name, ()))
    event = finish(reading, NOTHING)
    fetched_ms, modified_ms = ids.to_ms(context.fetched_at), times.parse_ms(modified)
    return meaning(event, reading.draft, reading.record, fetched_ms, modified_ms)


def _keep_earliest(found: dict[tuple[UUID, int], datetime], key: tuple[UUID, int], at: datetime) -> None:
    found[key] = min(at, found.get(key, at))
