"""What documents of older versions need before services of this one run. Idempotent, and cheap when done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aoc_common.store.mongo.client import translated
from aoc_common.store.mongo.event_versions import FORMER_IDS
from aoc_common.store.mongo.sums import MongoSums
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.slices import SliceState

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

#: `_id` in `upgrades` of when the totals of all sources had begun.
_TOTALS: Final = "totals"


async def upgrade(database: Database) -> None:
    """Slices that are fetched and not settled are looked at once more: until now all of them were, again and again.

    Totals begin with the sums of before, also of sources of which nothing comes any more. Events of before are known to
    have the search terms of before.
    """
    with translated("upgrade"):
        await database["ledger_slices"].update_many(
            {"state": SliceState.FETCHED.value, "unchecked": {"$exists": False}}, {"$set": {"unchecked": True}}
        )
        begun = await database["upgrades"].find_one({"_id": _TOTALS})
    await MongoTermEdition(database).begin()
    if begun is None:
        await MongoSums(database).begin()
        with translated("upgrade"):
            await database["upgrades"].update_one({"_id": _TOTALS}, {"$set": {"at": datetime.now(UTC)}}, upsert=True)


async def note_former_ids(database: Database) -> None:
    """Note when ids began to be made without regard to case: later events need not be looked for under former ids.

    To be called when no older version can be at work any more: what it stores after this is not recognised. Until then
    every event is looked for under its former ids too.
    """
    with translated("upgrade"):
        await database["upgrades"].update_one(
            {"_id": FORMER_IDS}, {"$setOnInsert": {"at": datetime.now(UTC)}}, upsert=True
        )
