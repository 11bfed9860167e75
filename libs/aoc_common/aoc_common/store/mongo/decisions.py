"""What somebody has decided is not needed: it was collected, has no event, and nobody waits for it any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.review_queues import ItemState

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Discarded:
    """What was discarded of a source: dead letters, the records in them, and records of the quarantine."""

    letters: int = 0
    in_letters: int = 0
    quarantined: int = 0


async def discarded(database: Database, tenant: str) -> Mapping[str, Discarded]:
    """Source -> what was discarded of it, of those of which something was. Costs what was discarded."""
    of_tenant: Document = {"tenant": check_tenant(tenant), "state": ItemState.DISCARDED.value}
    counted: Document = {"_id": "$source", "items": {"$sum": 1}, "records": {"$sum": "$records"}}
    with translated("decisions"):
        letters = await database["dead_letters"].aggregate([{"$match": of_tenant}, {"$group": counted}]).to_list(None)
        # What a mapper stumbled over has an event, whatever was decided about its copy.
        without_event = {**of_tenant, "stored": {"$ne": True}}
        records = await database["quarantine"].aggregate([{"$match": without_event}, {"$group": counted}]).to_list(None)
    of_letters = {group["_id"]: group for group in letters}
    of_records = {group["_id"]: int(group["items"]) for group in records}
    return {
        source: Discarded(
            letters=int(of_letters.get(source, {}).get("items", 0)),
            in_letters=int(of_letters.get(source, {}).get("records", 0)),
            quarantined=of_records.get(source, 0),
        )
        for source in of_letters.keys() | of_records.keys()
    }
