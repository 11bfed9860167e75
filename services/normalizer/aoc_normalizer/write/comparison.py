"""Compares records with the versions that are stored of their events: the same, a version, or an event of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts import ids
from aoc_common.errors import Unreachable
from aoc_common.store.sightings import Adoption
from aoc_common.store.versions import NewVersion
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT
from aoc_normalizer.fields import times, values
from aoc_normalizer.normalise import finish
from aoc_normalizer.reading.records import Reading, RecordContext, read
from aoc_normalizer.write import lost_versions
from aoc_normalizer.write.versions import MODIFIED, RecordState, record_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.store.page_states import PageStates
    from aoc_common.store.sightings import EventSightings
    from aoc_common.store.versions import EventVersions, History, StoredVersion
    from aoc_normalizer.write.adopting import Adopting
    from aoc_normalizer.write.batch import Batch, PageInWork, Row

#: How often the same events are read again because something was written, by us or somebody else.
_ROUNDS: Final = 10


class Comparison:
    """One comparison of rows with the versions of the events whose ids they have."""

    def __init__(
        self,
        batch: Batch,
        sightings: EventSightings,
        versions: EventVersions,
        ledger: PageStates,
        adopting: Adopting,
        *,
        one_record: bool,
    ) -> None:
        self._batch = batch
        self._sightings = sightings
        self._versions = versions
        self._ledger = ledger
        self._adopting = adopting
        self._one_record = one_record
        self._states: dict[tuple[str, str, int], RecordState | None] = {}
        self._beside: dict[Row, str] = {}
        self._new: dict[UUID, dict[str, NewVersion]] = {}
        self._repairs: list[tuple[StoredVersion, bytes]] = []
        self._earlier: dict[tuple[UUID, int], datetime] = {}
        self._lost: set[str] = set()
        self._adoptions: list[tuple[PageInWork, Adoption]] = []
        self._asked: set[tuple[Row | int, str]] = set()

    async def run(self, rows: Sequence[Row]) -> dict[Row, str]:
        """Adopt, add, repair and show until nothing is left to do; rows that are events of their own, and by what."""
        texts = self._batch.texts(rows)
        open_rows = list(rows)
        events = {row.event.id for row in rows}
        for _ in range(_ROUNDS):
            self._new, self._repairs, self._earlier, self._adoptions = {}, [], {}, []
            histories = await self._versions.histories(events)
            pages = {one.page for history in histories.values() for one in history.versions.values()}
            self._lost = await self._ledger.lost(pages)
            open_rows = [row for row in open_rows if not self._judged(row, texts[row], histories)]
            current = [found for one in histories.values() if (found := self._other_current(one)) is not None]
            if not (self._new or self._repairs or self._earlier or self._adoptions or current):
                if not (left := self._lost_versions(rows, histories)):
                    return self._beside
                self._adoptions = left
            await self._adopting.of_lost(self._batch, self._adoptions)
            if self._new:
                await self._versions.add([one for of_event in self._new.values() for one in of_event.values()])
            if self._repairs:
                await self._versions.replace(self._repairs)
            if self._earlier:
                await self._sightings.seen_earlier(self._earlier)
            if current and not self._new:
                await self._versions.show(current)
        raise Unreachable("event_versions: others keep changing the same events; the page is tried again")

    def _lost_versions(
        self, rows: Iterable[Row], histories: Mapping[UUID, History]
    ) -> list[tuple[PageInWork, Adoption]]:
        """Versions of lost pages that no row brings, to be adopted; those that were are added to the batch."""
        found: list[tuple[PageInWork, Adoption]] = []
        for history in histories.values():
            mine = [row for row in rows if row.event.id == history.event]
            for number, one in history.versions.items():
                if one.page in self._lost and (adopts := (number, f"{history.event} {one.page}")) not in self._asked:
                    self._asked.add(adopts)
                    found += [(row.page, Adoption(history.event, number, one.page, row.page.raw.id)) for row in mine]
                elif one.origin is not None and not self._batch.is_claimed(history.event, number):
                    of = next((row for row in mine if one.page in row.page.raw.all_names), None)
                    if of is not None and (event := lost_versions.packed(one, history.document["tenant"])) is not None:
                        self._batch.add(of.page, event, one)
        return found

    def _judged(self, row: Row, text: str, histories: dict[UUID, History]) -> bool:
        """Note what a row is; whether that is final."""
        event, raw = row.event, row.page.raw
        history = histories.get(event.id)
        if history is None:
            raise Unreachable("events: an event was removed while it was compared; the page is tried again")
        mine = self._state(text, raw.source, raw.fetched_at, event.tenant)
        theirs = {
            number: self._state(one.raw, one.source, one.fetched, event.tenant)
            for number, one in history.versions.items()
            if one.raw != text
        }
        same = next((one for one in history.versions.values() if one.raw == text), None)
        if same is None and mine is not None:
            same = next((history.versions[n] for n, one in theirs.items() if one and one.content == mine.content), None)
            if same is None and mine.apart and not self._one_record and mine.is_beside(theirs.values()):
                self._beside[row] = mine.apart[1]
                return True
        if (
            same is not None
            and same.page in self._lost - raw.all_names
            and (adopts := (row, same.page)) not in self._asked
        ):
            self._asked.add(adopts)
            self._adoptions.append((row.page, Adoption(event.id, same.number, same.page, raw.id)))
            return False
        if same is not None:
            self._batch.claim(row, same)
            if raw.fetched_at < same.fetched:
                keep_earliest(self._earlier, (event.id, same.number), raw.fetched_at)
            return True
        return mine is None or self._is_nothing_new(row, mine, theirs, history)

    def _is_nothing_new(
        self, row: Row, mine: RecordState, theirs: Mapping[int, RecordState | None], history: History
    ) -> bool:
        """Whether a text that is none of the stored ones tells nothing new. Else notes what is to be done."""
        if not mine.incomplete and theirs and all(state is not None and state.incomplete for state in theirs.values()):
            return self._add_version(row, history, mine)  # the record of which only the beginning is stored
        alike = {number: state for number, state in theirs.items() if state is not None and state.shape == mine.shape}
        if not alike or mine.incomplete or any(state.repairs(mine) for state in alike.values()):
            return True  # the same record in another shape, or damaged on its way
        if (damaged := next((number for number, state in alike.items() if mine.repairs(state)), None)) is not None:
            self._repairs.append((history.versions[damaged], row.event.document))
            return True
        return self._add_version(row, history, mine)

    def _add_version(self, row: Row, history: History, state: RecordState) -> bool:
        """Note a row as a version of its event; False, since the next look tells what became of it."""
        of_event = self._new.setdefault(row.event.id, {})
        number = max(*history.versions, history.shown[1]) + 1 + len(of_event)
        of_event.setdefault(state.digest, NewVersion(history, number, state.digest, row.event.document))
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
            state = self._state(one.raw, one.source, one.fetched, tenant)
            ranks[number] = (state.rank if state else (0, 0), -number)
        newest = max(ranks, key=ranks.__getitem__)
        if history.shown == (newest, max(history.versions)):
            return None
        return history, newest

    def _state(self, text: str, source: str, fetched: datetime, tenant: str) -> RecordState | None:
        """The state that a text is of; None for one that no mapper of today can read."""
        key = (text, source, ids.to_ms(fetched))
        if key not in self._states:
            self._states[key] = state_of(text, RecordContext(tenant, source, fetched))
        return self._states[key]


def state_of(text: str, context: RecordContext) -> RecordState | None:
    """The state of a record by its text; None for one that no mapper of today can read."""
    reading = read(text.encode("utf-8", "replace"), context)
    if not isinstance(reading, Reading):
        return None
    modified = values.first(reading.record, *MODIFIED.get(reading.mapper.name, ()))
    event = finish(reading, NO_ENRICHMENT)
    fetched_ms, modified_ms = ids.to_ms(context.fetched_at), times.parse_ms(modified)
    return record_state(event, reading.draft, reading.record, fetched_ms, modified_ms)


def keep_earliest(found: dict[tuple[UUID, int], datetime], key: tuple[UUID, int], at: datetime) -> None:
    """Note that a version (event, number) was fetched at `at`, unless an earlier time is noted."""
    found[key] = min(at, found.get(key, at))
