"""Content blobs of the Management Activity API: which are listed, fetched, or gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.store.blobs import ContentBlob

#: Of an answer without content it is not told: Microsoft makes no empty blob, so it has erred.
_FETCHED: Final[Document] = {"state": "fetched", "records": {"$ne": 0}}
#: How long blobs stay in the ledger. Longer than Microsoft re-sends old content (8 days were seen).
_RETENTION: Final = timedelta(days=90)


class MongoBlobs:
    """`BlobLedger` over `ledger_blobs`, and `content_from` of `ledger_slices`."""

    def __init__(self, database: Database) -> None:
        self._blobs = database["ledger_blobs"]
        self._slices = database["ledger_slices"]

    async def fetched(self, tenant: str, source: str, content_ids: Sequence[str]) -> set[str]:
        """Those of `content_ids` that were fetched before. Not empty ones: Microsoft makes none, so it has erred."""
        keys = {_blob_key(tenant, source, content_id): content_id for content_id in content_ids}
        with translated("ledger"):
            cursor = self._blobs.find({"_id": {"$in": list(keys)}, **_FETCHED}, {"_id": 1})
            return {keys[document["_id"]] async for document in cursor}

    async def listed(self, tenant: str, source: str, blobs: Sequence[ContentBlob], at: datetime) -> None:
        """The API offered these blobs."""
        await self._write_blobs(
            {
                _blob_key(tenant, source, blob.content_id): {
                    "$setOnInsert": {
                        "tenant": tenant,
                        "source": source,
                        "created": blob.created,
                        "expires": blob.expires,
                        "listed_at": at,
                        "state": "listed",
                        # Until the totals have it (`sums`).
                        "uncounted": True,
                        "expire_at": at + _RETENTION,
                    }
                }
                for blob in blobs
            }
        )

    async def mark_fetched(
        self, tenant: str, source: str, records: Mapping[str, int], slice_id: str, at: datetime
    ) -> None:
        """Blobs whose every page is acknowledged by JetStream."""
        # First: as soon as they are fetched nothing else holds their time back (`unsettled`).
        await self._note_content([name for name, count in records.items() if count], tenant, source, slice_id)
        await self._write_blobs(
            {
                _blob_key(tenant, source, content_id): {
                    "$set": {"state": "fetched", "records": count, "fetched_at": at, "slice_id": slice_id},
                    "$unset": {"next_try_at": "", "reason": "", "failures": ""},
                    "$setOnInsert": {
                        "tenant": tenant,
                        "source": source,
                        "uncounted": True,
                        "expire_at": at + _RETENTION,
                    },
                }
                for content_id, count in records.items()
            }
        )

    async def _note_content(self, content_ids: Sequence[str], tenant: str, source: str, slice_id: str) -> None:
        """Note at a slice when the first of the blobs was created that it has fetched."""
        keys = [_blob_key(tenant, source, content_id) for content_id in content_ids]
        with translated("ledger"):
            listed = self._blobs.find({"_id": {"$in": keys}, "created": {"$exists": True}}, {"created": 1})
            created = [document["created"] async for document in listed]
            if created:
                await self._slices.update_one({"_id": slice_id}, {"$min": {"content_from": min(created)}})

    async def mark_expired(self, tenant: str, source: str, content_id: str, at: datetime) -> bool:
        """A permanent gap: kept for good, so without an expiry. False when it was fetched, also by somebody else."""
        expired = {
            "$set": {"state": "expired", "tenant": tenant, "source": source, "expired_at": at},
            "$setOnInsert": {"created": at},
            "$unset": {"expire_at": "", "next_try_at": ""},
        }
        unfetched = {"_id": _blob_key(tenant, source, content_id), "state": {"$ne": "fetched"}}
        with translated("ledger"):
            try:
                await self._blobs.update_one(unfetched, expired, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    async def _write_blobs(self, updates: Mapping[str, Document]) -> None:
        if updates:
            with translated("ledger"):
                await self._blobs.bulk_write(
                    [UpdateOne({"_id": key}, update, upsert=True) for key, update in updates.items()],
                    ordered=False,
                )


def _blob_key(tenant: str, source: str, content_id: str) -> str:
    return f"{tenant}/{source}/{content_id}"
