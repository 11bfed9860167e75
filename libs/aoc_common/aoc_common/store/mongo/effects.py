"""The `seen` collection: effects that were had for events. `_id` is effect, event and version."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING

from pymongo import UpdateOne

from aoc_common.clock import Clock, SystemClock
from aoc_common.store.effects import RETENTION
from aoc_common.store.mongo.client import BATCH_SIZE, Database, translated

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta

    from aoc_common.store.effects import EventKey


class MongoEffects:
    """`EffectStore` over `seen`, whose documents the server removes `keep` after they were noted."""

    def __init__(self, database: Database, clock: Clock | None = None, retention: timedelta = RETENTION) -> None:
        self._seen = database["seen"]
        self._clock = clock or SystemClock()
        self._retention = retention

    async def unseen(self, effect: str, keys: Collection[EventKey]) -> set[EventKey]:
        """Those of these that are not noted, or not any more: what the server has yet to remove counts for nothing."""
        by_id = {_key(effect, key): key for key in keys}
        now = self._clock.now()
        noted: set[str] = set()
        with translated("seen"):
            for some in batched(by_id, BATCH_SIZE):
                unexpired = {"_id": {"$in": list(some)}, "expire_at": {"$gt": now}}
                noted |= {document["_id"] async for document in self._seen.find(unexpired, {"_id": 1})}
        return {key for name, key in by_id.items() if name not in noted}

    async def note(self, effect: str, keys: Collection[EventKey]) -> None:
        """One write for all."""
        until = {"$max": {"expire_at": self._clock.now() + self._retention}}
        if keys:
            with translated("seen"):
                await self._seen.bulk_write(
                    [UpdateOne({"_id": _key(effect, key)}, until, upsert=True) for key in keys], ordered=False
                )


def _key(effect: str, key: EventKey) -> str:
    event, version = key
    return f"{effect}/{event}/{version}"
