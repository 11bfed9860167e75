"""Counts of a tenant's dead letters and quarantined records, for its account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aoc_common.store.accounts import Gap, GapCause
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.review_queues import ItemState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class ReviewCounts:
    """Items of a tenant that wait for a decision, or expired before one.

    `letters`: source -> state -> letters, records, first and last. `waiting`: source -> records in the quarantine.
    """

    letters: Mapping[str, Mapping[str, Document]]
    waiting: Mapping[str, int]

    def of(self, source: str) -> Document:
        """The open dead letters of a source."""
        return self.letters.get(source, {}).get(ItemState.OPEN, {})

    def gaps(self, source: str) -> Iterator[Gap]:
        """What of a source is missing: for now, and for good."""
        causes = {
            ItemState.OPEN: (GapCause.DEAD_LETTER, True, "given up by a service; see aoc deadletters"),
            ItemState.EXPIRED: (GapCause.LOST, False, "dead letters whose content expired before anybody decided"),
        }
        for state, (cause, closable, detail) in causes.items():
            if counts := self.letters.get(source, {}).get(state):
                yield Gap(cause, counts["first"], counts["last"], closable, counts["letters"], detail)


async def review_counts(database: Database, tenant: str) -> ReviewCounts:
    """Count a tenant's dead letters and quarantine."""
    states = {"$in": [ItemState.OPEN.value, ItemState.EXPIRED.value]}
    by_state: list[Document] = [
        {"$match": {"tenant": tenant, "state": states}},
        {
            "$group": {
                "_id": {"source": "$source", "state": "$state"},
                "letters": {"$sum": 1},
                "records": {"$sum": "$records"},
                "first": {"$min": "$at"},
                "last": {"$max": "$at"},
            }
        },
    ]
    # What a mapper stumbled over is stored too: it waits for a developer, and nothing is missing.
    waiting: list[Document] = [
        {"$match": {"tenant": tenant, "state": ItemState.OPEN.value, "stored": {"$ne": True}}},
        {"$group": {"_id": "$source", "count": {"$sum": 1}}},
    ]
    letters: dict[str, dict[str, Document]] = {}
    with translated("put aside"):
        async for group in database["dead_letters"].aggregate(by_state):
            letters.setdefault(group["_id"]["source"], {})[group["_id"]["state"]] = group
        counts = {group["_id"]: group["count"] async for group in database["quarantine"].aggregate(waiting)}
    return ReviewCounts(letters, counts)
