"""Content blobs that could not be read."""

from __future__ import annotations

from itertools import batched
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.blob_retries import LONGEST, PATIENCE, pause
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class MongoBlobRetries:
    """`BlobRetries` over `ledger_blobs`: `failures`, `reason`, `uri` and `next_try_at` of blobs that are "listed"."""

    def __init__(self, database: Database) -> None:
        self._blobs = database["ledger_blobs"]

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
            found: dict[str, int] = {}
            for some in batched(keys, BATCH_SIZE):
                cursor = self._blobs.find({"_id": {"$in": list(some)}, "state": "listed"}, {"failures": 1})
                found |= {one["_id"]: one.get("failures", 0) async for one in cursor}
            if found:
                await self._blobs.bulk_write(
                    [
                        UpdateOne({"_id": key, "state": "listed"}, {"$set": {"next_try_at": at + pause(failures)}})
                        for key, failures in found.items()
                    ],
                    ordered=False,
                )
        return {keys[key].content_id: failures for key, failures in found.items()}

    async def put_off(self, tenant: str, source: str, content_ids: Sequence[str], at: datetime) -> set[str]:
        """Those of these that failed `PATIENCE` times and are not to be tried yet."""
        keys = {f"{check_tenant(tenant)}/{source}/{one}": one for one in content_ids}
        found: set[str] = set()
        with translated("ledger"):
            for some in batched(keys, BATCH_SIZE):
                wanted: Document = {
                    "_id": {"$in": list(some)},
                    "state": "listed",
                    "failures": {"$gte": PATIENCE},
                    "next_try_at": {"$gt": at, "$lte": at + 2 * LONGEST},
                }
                found |= {keys[one["_id"]] async for one in self._blobs.find(wanted, {"_id": 1})}
        return found

    async def due(self, tenant: str, source: str, at: datetime, limit: int) -> Sequence[ContentBlob]:
        """Blobs that were put off and are to be tried now."""
        wanted: Document = {"tenant": check_tenant(tenant), "source": source, "state": "listed"}
        wanted["failures"] = {"$gte": PATIENCE}
        found: list[Document] = []
        with translated("ledger"):
            # The second: by a clock that was ahead. The time first, for the local server: few blobs have one.
            for when in ({"$lte": at}, {"$gt": at + 2 * LONGEST}):
                cursor = self._blobs.find({"next_try_at": when, **wanted}).sort("expires", ASCENDING)
                found += await cursor.limit(limit).to_list(None)
        found.sort(key=itemgetter("expires"))
        return [ContentBlob(one["content_id"], one["uri"], one["created"], one["expires"]) for one in found[:limit]]

    async def expire(self, tenant: str, source: str, since: datetime, at: datetime) -> int:
        """Never fetched and expired: a permanent gap, kept for good."""
        wanted: dict[str, Any] = {"tenant": check_tenant(tenant), "source": source, "created": {"$gte": since}}
        wanted |= {"state": "listed", "expires": {"$lt": at}}
        gone = {"$set": {"state": "expired", "expired_at": at}, "$unset": {"expire_at": "", "next_try_at": ""}}
        with translated("ledger"):
            return (await self._blobs.update_many(wanted, gone)).modified_count


def _key(tenant: str, source: str, blob: ContentBlob) -> str:
    return f"{tenant}/{source}/{blob.content_id}"
