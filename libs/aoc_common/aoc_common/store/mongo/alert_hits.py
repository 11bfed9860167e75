"""The `hits` collection. `_id` is the event and the rule."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING

from pymongo import UpdateOne

from aoc_common.clock import Clock, SystemClock
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.alert_hits import HITS_KEPT
from aoc_common.store.mongo.client import BATCH_SIZE, Database, translated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from aoc_common.store.alert_hits import Hit, HitKey


class MongoHits:
    """`HitStore` over `hits`, whose documents the server removes `keep` after they were noted."""

    def __init__(self, database: Database, clock: Clock | None = None, keep: timedelta = HITS_KEPT) -> None:
        self._hits = database["hits"]
        self._clock = clock or SystemClock()
        self._keep = keep

    async def known(self, keys: Collection[HitKey]) -> Mapping[HitKey, UUID]:
        """The alerts of those of these that are noted."""
        by_id = {_id(key): key for key in keys}
        found: dict[HitKey, UUID] = {}
        with translated("hits"):
            for some in batched(by_id, BATCH_SIZE):
                async for one in self._hits.find({"_id": {"$in": list(some)}}, {"alert": 1}):
                    found[by_id[one["_id"]]] = one["alert"]
        return found

    async def add(self, hits: Sequence[Hit]) -> Mapping[HitKey, UUID]:
        """Note hits; of each the alert that it is of."""
        if not hits:
            return {}
        until = self._clock.now() + self._keep
        writes = [
            UpdateOne(
                {"_id": _id(hit.key)},
                {
                    "$setOnInsert": {
                        "tenant": check_tenant(hit.tenant),
                        "rule": hit.rule,
                        "group": hit.group,
                        "event": hit.event,
                        "at": hit.at,
                        "alert": hit.alert,
                        "expire_at": until,
                    }
                },
                upsert=True,
            )
            for hit in {hit.key: hit for hit in hits}.values()
        ]
        with translated("hits"):
            result = await self._hits.bulk_write(writes, ordered=False)
        if result.upserted_count == len(writes):
            return {hit.key: hit.alert for hit in hits}
        return await self.known([hit.key for hit in hits])

    async def count(self, tenant: str, alert: UUID, most: int) -> int:
        """How many are of an alert, at most `most`."""
        with translated("hits"):
            return await self._hits.count_documents({"tenant": check_tenant(tenant), "alert": alert}, limit=most)


def _id(key: HitKey) -> str:
    rule, event = key
    return f"{event}/{rule}"
