"""What a source has fetched and the normalizer has not settled, and until when all is settled because of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import DESCENDING

from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aoc_common.store.sources import SourceState

#: How far before an unsettled slice the last settled one is looked for: an hour, a week, from the beginning.
_NEAR: Final = (timedelta(hours=1), timedelta(days=7), None)
_FIELDS: Final = dict.fromkeys(("source", "start", "end", "again", "content_from"), 1)
_UNFINISHED: Final = (SliceState.OPEN, SliceState.FAILED)


class MongoUnsettled:
    """Over `ledger_slices` and `ledger_pages`."""

    def __init__(self, database: Database) -> None:
        self._slices = database["ledger_slices"]
        self._pages = database["ledger_pages"]

    async def slices(self, tenant: str) -> dict[str, list[Document]]:
        """Source -> its slices that are fetched and not settled; of files also those that are not read to the end.

        An import that never came to its end is tried by a person only: until then it is on its way.
        """
        # One question a state: for several at once the local server goes through the slices of all sources.
        open_files = [{"source": IMPORT_SOURCE, "state": state.value} for state in _UNFINISHED]
        by_source: dict[str, list[Document]] = {}
        for which in ({"state": SliceState.FETCHED.value}, *open_files):
            async for document in self._slices.find({"tenant": tenant, **which}, _FIELDS):
                by_source.setdefault(document["source"], []).append(document)
        return by_source

    async def contents(self, tenant: str) -> dict[str, datetime]:
        """Source -> when the first blob was created that slices have fetched which were not read to their end.

        Only of slices with pages that wait. Whatever slice takes such a one's place passes over what it has fetched.
        """
        unfinished: dict[str, Document] = {}
        for state in _UNFINISHED:
            query = {"tenant": tenant, "state": state.value, "content_from": {"$exists": True}}
            unfinished |= {document["_id"]: document async for document in self._slices.find(query, _FIELDS)}
        first: dict[str, datetime] = {}
        for some in batched(unfinished, BATCH_SIZE):
            waiting: Document = {"slice_id": {"$in": list(some)}, "waiting_since": {"$exists": True}}
            for slice_id in await self._pages.distinct("slice_id", waiting):
                source, begin = unfinished[slice_id]["source"], unfinished[slice_id]["content_from"]
                first[source] = min(begin, first.get(source, begin))
        return first

    async def complete_until(
        self, state: SourceState, unsettled: Sequence[Document], contents: datetime | None
    ) -> datetime | None:
        """Until when all of a source is settled: the end of what is, before the first that is not.

        Never past the creation of a blob that was fetched and is not settled, whichever slice has fetched it: one that
        begins later, for a blob that was put off; one that is only read once more; one that was not read to its end
        (`contents`). All others pass over it, and are settled without it.
        """
        if state.source == IMPORT_SOURCE:
            return None  # a file says nothing of the time that it lacks
        until = await self._slices_until(state, unsettled)
        begins = [document["content_from"] for document in unsettled if "content_from" in document]
        begins += [] if contents is None else [contents]
        return until if until is None else min([until, *begins])

    async def _slices_until(self, state: SourceState, unsettled: Iterable[Document]) -> datetime | None:
        if state.watermark is None:
            return None  # its first slice may have been fetched since its state was read: nothing is known before that
        # What is only looked at again was complete before.
        oldest = min(
            (document for document in unsettled if not document.get("again")),
            key=lambda document: document["start"],
            default=None,
        )
        if oldest is None:
            return state.watermark
        return min(await self._settled_before(state, oldest) or oldest["start"], state.watermark)

    async def _settled_before(self, state: SourceState, oldest: Document) -> datetime | None:
        """Until where settled slices reach that begin no later than the oldest unsettled one, and end before it does.

        Slices overlap. One that begins within it (a backfill of a part of its time) says nothing of its beginning.
        """
        of_source = {"tenant": state.tenant, "source": state.source, "state": SliceState.SETTLED.value}
        moment: datetime = oldest["end"]
        # Nearly always it is near. The local server reads all that a filter matches before it sorts.
        for back in _NEAR:
            settled = {
                **of_source,
                "start": {"$lte": oldest["start"]},
                "end": {"$lt": moment} | ({"$gte": moment - back} if back else {}),
            }
            last = await self._slices.find_one(settled, {"end": 1}, sort=[("end", DESCENDING)])
            if last:
                until: datetime = last["end"]
                return until
        return None
