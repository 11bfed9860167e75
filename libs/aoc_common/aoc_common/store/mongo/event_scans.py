"""Index scans over events: a prefix of an index between two ids, and a residual filter.

SecantusDB (the local stand-in) reads *every* document of a range before it sorts and limits, and scans the whole
collection as soon as a filter has a field beyond its index. So a scan is an aggregation whose first `$match` is the
prefix of the index and whose second is the residual filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aoc_common.store.mongo.access_paths import TERMS, TOP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motor.motor_asyncio import AsyncIOMotorCollection

    from aoc_common.store.mongo.access_paths import AccessPath, Key
    from aoc_common.store.mongo.client import Document
    from aoc_common.store.mongo.server_kinds import Server


@dataclass(frozen=True, slots=True)
class IndexScan:
    """`bounds`: the part of an index that is read. `residual`: the filter on its documents."""

    index: Key
    bounds: Document
    residual: Document


class Scanner:
    """Runs index scans on a server. Every method may raise the driver's errors."""

    def __init__(self, events: AsyncIOMotorCollection[Document], server: Server) -> None:
        self._events = events
        self.server = server

    def rereads(self, path: AccessPath) -> bool:
        """Whether a scan of older events reads all newer ones of the path too."""
        return self.server.one_sided and path.index == TERMS

    def scan(self, path: AccessPath, prefix: Document, low: int, high: int) -> IndexScan:
        """The scan for one prefix of a path and ids in [low, high)."""
        if self.rereads(path) and high < TOP:
            below: Document = {"_id": {"$lt": UUID(int=high)}}
            residual = {"$and": [below, path.residual]} if path.residual else below
            return IndexScan(path.index, prefix | _between(low, TOP), residual)
        return IndexScan(path.index, prefix | _between(low, high), path.residual)

    async def documents(self, scan: IndexScan, limit: int, fields: Mapping[str, Any], seconds: float) -> list[Document]:
        """The newest documents, the newest first. The server gives up after `seconds`."""
        most_ms = max(1, int(seconds * 1000))
        if self.server.plans or not scan.residual:
            cursor = self._events.find(self.filter(scan), fields, max_time_ms=most_ms).sort("_id", -1).limit(limit)
            hinted = cursor.hint(list(scan.index)) if self.server.plans else cursor
            # In one answer: the first one would have 101 documents only, and another question would follow.
            return await hinted.batch_size(limit).to_list(None)
        stages: list[Document] = [{"$match": scan.bounds}, {"$match": scan.residual}, {"$sort": {"_id": -1}}]
        stages += [{"$limit": limit}, {"$project": dict(fields)}]
        return await self._events.aggregate(stages, maxTimeMS=most_ms, batchSize=limit).to_list(None)

    @staticmethod
    def filter(scan: IndexScan) -> Document:
        """A scan as one filter: a document has several terms, so both parts may be of the same field."""
        return {**scan.bounds, "$and": [scan.residual]} if scan.residual else scan.bounds

    async def count(self, scan: IndexScan, seconds: float) -> int:
        """How many documents a scan has to examine."""
        options: dict[str, Any] = {"maxTimeMS": max(1, int(seconds * 1000))}
        if self.server.plans:
            options["hint"] = dict(scan.index)
        counts = await self._events.aggregate([{"$match": scan.bounds}, {"$count": "n"}], **options).to_list(None)
        return int(counts[0]["n"]) if counts else 0


def _between(low: int, high: int) -> Document:
    """The filter for ids in [low, high)."""
    bounds: Document = {"$gte": UUID(int=low)}
    if high < TOP:
        bounds["$lt"] = UUID(int=high)
    return {"_id": bounds}
