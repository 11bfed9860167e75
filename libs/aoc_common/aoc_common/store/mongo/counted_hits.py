"""The `counted_hits` collection. `_id` is the event and the rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import batched
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from pymongo import DESCENDING, UpdateOne

from aoc_common.clock import Clock, SystemClock
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.counted_hits import CountedHit
from aoc_common.store.mongo.alert_documents import event_document, event_of
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from aoc_common.store.counted_hits import Stretch

_BATCH: Final = 500


class MongoCountedHits:
    """`CountedHitStore` over `counted_hits`, whose documents the server removes."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._hits = database["counted_hits"]
        self._clock = clock or SystemClock()

    async def add(self, hits: Sequence[CountedHit]) -> None:
        """Note hits."""
        now = self._clock.now()
        writes = [
            UpdateOne(
                {"_id": f"{hit.event}/{hit.rule}"},
                {"$setOnInsert": _document(hit) | {"expire_at": now + hit.keep}},
                upsert=True,
            )
            for hit in {(hit.rule, hit.event): hit for hit in hits}.values()
        ]
        with translated("counted hits"):
            for some in batched(writes, _BATCH):
                await self._hits.bulk_write(list(some), ordered=False)

    async def within(self, stretch: Stretch, most: int) -> Sequence[CountedHit]:
        """The latest of a stretch, in the order of their time."""
        found: dict[str, Document] = {}
        for key in stretch.keys:
            # Each by itself, so that the index has them in their order: no more are read than are wanted.
            query = {"keys": key, "at": {"$gte": stretch.start, "$lte": stretch.end}}
            with translated("counted hits"):
                some = await self._hits.find(query).sort("at", DESCENDING).limit(most).to_list(most)
            found |= {one["_id"]: one for one in some}
        return [_hit(one) for one in sorted(found.values(), key=itemgetter("at"))[-most:]]


def _document(hit: CountedHit) -> Document:
    return {
        "tenant": check_tenant(hit.tenant),
        "rule": hit.rule,
        "event": hit.event,
        "at": hit.at,
        "keys": list(hit.keys),
        "values": [[name, list(values)] for name, values in hit.values.items()],
        # Small: what matched, and who did what to whom, is in the events themselves.
        "events": [event_document(replace(event, matched=(), evidence=None)) for event in hit.events],
    }


def _hit(document: Document) -> CountedHit:
    keep: timedelta = document["expire_at"] - document["at"]
    return CountedHit(
        document["tenant"],
        document["rule"],
        document["event"],
        document["at"],
        tuple(document["keys"]),
        tuple(event_of(one) for one in document["events"]),
        keep,
        {name: tuple(values) for name, values in document["values"]},
    )
