"""Stores the events of a batch of pages: what is new, what is a version of what is stored, what is a duplicate.

All that is new costs one insert. Only what the server refuses as known is looked at, by its id and the digest of its
text; only where the text is another one are the stored ones read and compared (`comparison`). Whatever this writes, it
reads again until nothing is left to write: so a page that comes again, after a crash at any write or at another
replica, ends with the same answer. Each event and version names the page that had it stored.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import ids, subjects
from aoc_common.errors import Permanent, Unreachable
from aoc_common.store.sightings import Adoption
from aoc_normalizer.write.adopting import Adopting
from aoc_normalizer.write.batch import Outcome, unique
from aoc_normalizer.write.comparison import Comparison, keep_earliest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.store.events import EventStore
    from aoc_common.store.exact_times import ExactTimes
    from aoc_common.store.page_states import PageStates
    from aoc_common.store.sightings import EventSightings, Sighting
    from aoc_common.store.versions import EventVersions
    from aoc_normalizer.write.batch import Batch, PageInWork, Row

#: Events whose versions are worked on together.
_TOGETHER: Final = 50


class Deduplicator:
    """Brings the events of batches into the store. Idempotent."""

    def __init__(
        self,
        events: EventStore,
        sightings: EventSightings,
        versions: EventVersions,
        ledger: PageStates,
        exact_times: ExactTimes,
    ) -> None:
        self._events = events
        self._exact_times = exact_times
        self._sightings = sightings
        self._versions = versions
        self._ledger = ledger
        self._adopting = Adopting(sightings, ledger)

    async def store(self, batch: Batch) -> None:
        """Store what is not stored yet, and find what other deliveries of these pages have done. Raises `Transient`."""
        if gone := await self._ledger.lost(batch.page_ids()):
            # They wait again: another replica, which had found them gone, may just now have forgotten that.
            await self._ledger.returned(
                [page.mapped.on_bus(page.raw.fetched_at) for page in batch.pages if page.raw.id in gone]
            )
        known = await self._under_other_ids(batch)
        await self._insert(batch, self._onto_one_id([row for row in batch.rows if row not in known]))
        beside = await self._recognise(batch, batch.with_outcome(Outcome.DUPLICATE), one_record=False)
        if beside:
            # A record that shares its id with an event of another operation, say: an event of its own.
            for row, by in beside.items():
                self._move(row, ids.beside(row.event.id, by))
            await self._insert(batch, list(beside))
            left = [row for row in beside if row.outcome is Outcome.DUPLICATE]
            await self._recognise(batch, left, one_record=True)
        returned = {row.page for row in batch.with_outcome(Outcome.CLAIMED)}
        settled = await self._ledger.settled(page.key for page in returned)
        for page in returned:
            page.settled = page.key in settled

    async def still_there(self, batch: Batch) -> None:
        """Raises `Transient` when a page was taken for lost while it was in work.

        Whoever brings its records again makes them its own (`_adopt`): to count them here too would count them twice.
        """
        if gone := await self._ledger.lost(batch.page_ids()):
            raise Unreachable(f"{len(gone)} pages in work were gone from the bus; they are collected again")

    def _move(self, row: Row, identity: UUID) -> None:
        """Give a row's event another id."""
        row.event = replace(row.event, id=identity, document=self._events.under_id(row.event.document, identity))

    def _onto_one_id(self, rows: list[Row]) -> list[Row]:
        """These rows, the same record under one id also where the batch has it with its time to the second and exactly.

        The former comes first, as an id begins with the event's time.
        """
        whole = {row.event.id for row in rows if row.event.exact_by}
        exact = [row for row in rows if not whole.isdisjoint(row.event.kin)] if whole else []
        for row in exact:
            self._move(row, row.event.kin[0])
        moved = set(exact)
        return [row for row in rows if row not in moved] + exact if exact else rows

    async def _exactly(self, rows: Iterable[Row]) -> dict[Row, UUID]:
        """Rows whose time is a whole second, and the id under which their record is stored with its exact time."""
        if any(row.event.kin for row in rows):
            await self._exact_times.note()
        of_rows = {row: row.event.id for row in rows if row.event.exact_by}
        exact = await self._exact_times.stored(
            {row.event.id: (row.event.tenant, row.event.exact_by) for row in of_rows}
        )
        return {row: exact[identity] for row, identity in of_rows.items() if identity in exact} if exact else {}

    async def _under_other_ids(self, batch: Batch) -> set[Row]:
        """Rows whose record is stored under another id, which stays. None for nearly all.

        An older version of AOC gave it, or it came by an interface that tells its time less exactly.
        """
        exact = await self._exactly(batch.rows)
        kin = {row: row.event.kin for row in batch.rows if row.event.kin} | {
            row: (identity,) for row, identity in exact.items()
        }
        former: dict[Row, tuple[UUID, ...]] = {}
        aged = [row for row in batch.rows if row.event.former]
        if aged:
            until = await self._sightings.former_until()
            latest = None if until is None else ids.to_ms(until)
            former = {row: row.event.former for row in aged if latest is None or row.event.time_ms <= latest}
        others = {row: (*former.get(row, ()), *kin.get(row, ())) for row in former.keys() | kin.keys()}
        if not others:
            return set()
        own = {row.event.id for row in kin}
        stored = await self._sightings.sightings(own.union(*others.values()))
        known = set()
        for row, several in others.items():
            # What stands under both ids was taken for two records once: each stays what it is.
            possible = former.get(row, ()) if row.event.id in stored else several
            if (old := next((identity for identity in possible if identity in stored), None)) is not None:
                self._move(row, old)
                known.add(row)
        return known

    async def _insert(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Store the first of these rows of each event; where that can never be stored, the next."""
        left = list(rows)
        while left:
            some = unique(left)
            await self._insert_each(batch, some)
            refused = {row.event.id for row in some if row.outcome is Outcome.REFUSED}
            left = [row for row in left if row.event.id in refused and row.outcome is not Outcome.REFUSED]

    async def _insert_each(self, batch: Batch, rows: Sequence[Row]) -> None:
        try:
            await self._insert_together(batch, rows)
        except Permanent:
            # One event of the batch cannot be stored: find it, store the others.
            for row in rows:
                try:
                    await self._insert_together(batch, [row])
                except Permanent as error:
                    row.outcome, row.reason = Outcome.REFUSED, str(error)

    async def _insert_together(self, batch: Batch, rows: Sequence[Row]) -> None:
        new = await self._events.insert_encoded([row.event.document for row in rows])
        batch.stored(rows[position] for position in new)

    async def _recognise(self, batch: Batch, rows: Sequence[Row], *, one_record: bool) -> dict[Row, str]:
        """Find what became of rows that are stored already; those that are events of their own, and by what."""
        if not rows:
            return {}
        stored = await self._sightings.sightings({row.event.id for row in rows})
        if adopted := await self._adopt(batch, rows, stored):
            stored |= await self._sightings.sightings(adopted)
        unlike: dict[UUID, list[Row]] = defaultdict(list)
        revived: list[Row] = []
        earlier: dict[tuple[UUID, int], datetime] = {}
        for row in rows:
            sighting = stored.get(row.event.id)
            if sighting is None:
                raise Unreachable("events: an event that was refused as known is gone; the page is tried again")
            if sighting.forgotten:
                # What retention has removed comes back by a person's import only, not by a look back.
                raw = row.page.raw
                if raw.source == subjects.IMPORT_SOURCE and sighting.page not in raw.all_names:
                    revived.append(row)
                else:
                    batch.claim(row, sighting)
            elif not sighting.is_only(row.event.text):
                unlike[row.event.id].append(row)
            else:
                _note_same(batch, row, sighting, earlier)
        if revived:
            await self._events.revive([row.event.document for row in unique(revived)])
            return await self._recognise(batch, revived, one_record=one_record)
        await self._sightings.seen_earlier(earlier)
        beside: dict[Row, str] = {}
        for together in batched(unlike, _TOGETHER):
            comparison = Comparison(
                batch, self._sightings, self._versions, self._ledger, self._adopting, one_record=one_record
            )
            beside |= await comparison.run([row for event in together for row in unlike[event]])
        return {row: beside[row] for row in rows if row in beside}

    async def _adopt(self, batch: Batch, rows: Iterable[Row], stored: Mapping[UUID, Sighting]) -> set[UUID]:
        """Events of pages that are gone become those of the pages that bring the same again; which they are.

        Whether they were published nobody knows but the marks, which name the page that is gone. Of events with
        versions see `Comparison`.
        """
        gone = await self._ledger.lost({sighting.page for sighting in stored.values()})
        found: list[tuple[PageInWork, Adoption]] = []
        for row in rows if gone else ():
            event, raw = row.event, row.page.raw
            sighting = stored.get(event.id)
            if sighting is not None and sighting.is_only(event.text) and sighting.page in gone - raw.all_names:
                found.append((row.page, Adoption(event.id, 1, sighting.page, raw.id)))
        return {adoption.event for adoption in await self._adopting.of_lost(batch, found)}


def _note_same(batch: Batch, row: Row, sighting: Sighting, earlier: dict[tuple[UUID, int], datetime]) -> None:
    batch.claim(row, sighting)
    fetched = row.page.raw.fetched_at
    if ids.to_ms(fetched) < sighting.fetched_ms:
        keep_earliest(earlier, (row.event.id, 1), fetched)
