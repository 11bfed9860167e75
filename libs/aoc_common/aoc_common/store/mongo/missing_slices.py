"""Slices that the ledger lacks for pages on the bus: it was lost or restored in the meantime."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING

from pymongo import UpdateOne

from aoc_common.contracts.jobs import span_of
from aoc_common.store.mongo.client import BATCH_SIZE, Document
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from motor.motor_asyncio import AsyncIOMotorCollection

    from aoc_common.store.page_ledger import PageOutcome
    from aoc_common.store.pages import PublishedPage


async def insert_missing(
    slices: AsyncIOMotorCollection[Document], pages: Iterable[PageOutcome | PublishedPage]
) -> None:
    """Have slices for these pages, which were not known, so that what becomes of them is counted.

    A slice is noted before its first page is published, so nearly always all of them are there. Raises as the driver.
    """
    by_slice = {page.slice_id: page for page in pages}
    for some in batched(by_slice, BATCH_SIZE):
        known = {document["_id"] async for document in slices.find({"_id": {"$in": list(some)}}, {"_id": 1})}
        if unknown := [by_slice[name] for name in some if name not in known]:
            writes = [
                UpdateOne({"_id": page.slice_id}, {"$setOnInsert": _slice(page)}, upsert=True) for page in unknown
            ]
            await slices.bulk_write(writes, ordered=False)


def _slice(page: PageOutcome | PublishedPage) -> Document:
    """Its times are told by its id, of those that have any."""
    start, end = span_of(page.slice_id) or (page.at, page.at)
    return {
        "tenant": page.tenant,
        "source": page.source,
        "start": start,
        "end": end,
        "state": SliceState.FETCHED.value,
        "attempts": 1,
        "pages": 0,
        "records": 0,
        "fetched_at": page.at,
    }
