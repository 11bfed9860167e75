"""Content blobs that could not be read."""

from __future__ import annotations

from itertools import batched
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.blob_retries import LONGEST, PATIENCE, SHORTEST, pause
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta


class MongoBlobRetries:
    """`BlobRetries` over `ledger_blobs`: `failures`, `reason`, `uri` and `next_try_at` of blobs that are "listed".

    `shortest`: how long a blob waits that was put off for the first time.
    """

    def __init__(self, database: Database, shortest: timedelta = SHORTEST) -> None:
        self._blobs = database["ledger_blobs"]
        self._shortest = shortest

    async def failed(self, tenant: str, source: str, why: Mapping[ContentBlob, str], at: datetime) -> dict[str, int]:
        """Note failures: three exchanges for all of them."""
        if not why:
            return {}
        keys = {_key(check_tenant(tenant), source, blob): blob for blob in why}
        with translated("ledger"):
            await self._blobs.bulk_write(
                [
                    UpdateOne(
                        {"_id": key, "state": "listed"},
                        {
                            "$inc": {"failures": 1},
                            "$set": {"reason": why[blob][:500], "uri": blob.uri, "content_id": blob.content_id},
                        },
                    )
                    for key, blob in keys.items()
                ],
                ordered=False,
            )
            counts: dict[str, int] = {}
            for some in batched(keys, BATCH_SIZE):
                cursor = self._blobs.find({"_id": {"$in": list(some)}, "state": "listed"}, {"failures": 1})
                counts |= {blob["_id"]: blob.get("failures", 0) async for blob in cursor}
            if counts:
                next_try_at = {key: at + pause(failures, self._shortest) for key, failures in counts.items()}
                await self._blobs.bulk_write(
                    [
                        UpdateOne({"_id": key, "state": "listed"}, {"$set": {"next_try_at": moment}})
                        for key, moment in next_try_at.items()
                    ],
                    ordered=False,
                )
        return {keys[key].content_id: failures for key, failures in counts.items()}

    async def deferred(self, tenant: str, source: str, content_ids: Sequence[str], at: datetime) -> set[str]:
        """Those of these that failed `PATIENCE` times and are not to be tried yet."""
        keys = {f"{check_tenant(tenant)}/{source}/{content_id}": content_id for content_id in content_ids}
        put_off: set[str] = set()
        with translated("ledger"):
            for some in batched(keys, BATCH_SIZE):
                query: Document = {
                    "_id": {"$in": list(some)},
                    "state": "listed",
                    "failures": {"$gte": PATIENCE},
                    "next_try_at": {"$gt": at, "$lte": at + 2 * LONGEST},
                }
                put_off |= {keys[blob["_id"]] async for blob in self._blobs.find(query, {"_id": 1})}
        return put_off

    async def due(self, tenant: str, source: str, at: datetime, limit: int) -> Sequence[ContentBlob]:
        """Blobs that were put off and are to be tried now."""
        listed: Document = {"tenant": check_tenant(tenant), "source": source, "state": "listed"}
        listed["failures"] = {"$gte": PATIENCE}
        blobs: list[Document] = []
        with translated("ledger"):
            # The second: by a clock that was ahead. The time first, for the local server: few blobs have one.
            for when in ({"$lte": at}, {"$gt": at + 2 * LONGEST}):
                cursor = self._blobs.find({"next_try_at": when, **listed}).sort("expires", ASCENDING)
                blobs += await cursor.limit(limit).to_list(None)
        blobs.sort(key=itemgetter("expires"))
        return [
            ContentBlob(blob["content_id"], blob["uri"], blob["created"], blob["expires"]) for blob in blobs[:limit]
        ]

    async def expire(self, tenant: str, source: str, since: datetime, at: datetime) -> int:
        """Never fetched and expired: a permanent gap, kept for good."""
        unfetched: dict[str, Any] = {"tenant": check_tenant(tenant), "source": source, "created": {"$gte": since}}
        unfetched |= {"state": "listed", "expires": {"$lt": at}}
        expired = {"$set": {"state": "expired", "expired_at": at}, "$unset": {"expire_at": "", "next_try_at": ""}}
        with translated("ledger"):
            return (await self._blobs.update_many(unfetched, expired)).modified_count


def _key(tenant: str, source: str, blob: ContentBlob) -> str:
    return f"{tenant}/{source}/{blob.content_id}"
