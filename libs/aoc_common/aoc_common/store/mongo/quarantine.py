"""What could not become an event, kept whole."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from pymongo import DESCENDING, UpdateOne

from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.outcomes import page_key
from aoc_common.store.mongo.review_queues import MongoReviewQueue
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.store.review_queues import ItemState, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

_ENTRY: Final = ("tenant", "source", "slice_id", "page", "reason", "text", "at", "stored")
_TOGETHER: Final = 500


class MongoQuarantine(MongoReviewQueue):
    """`QuarantineStore` and `ReviewQueue` over `quarantine`. What expires is noted in `ledger_gaps` before it goes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "quarantine", "text")
        self._gaps = database["ledger_gaps"]

    async def put(self, entries: Sequence[QuarantineEntry]) -> None:
        """Keep these entries, once by `key`. One that was tried again, and comes once more, is open again."""
        if not entries:
            return
        writes = []
        for entry in entries:
            known, failed = {"_id": entry.key}, {"failed_at": entry.at}
            writes.append(UpdateOne(known, {"$setOnInsert": _document(entry), "$set": failed}, upsert=True))
            if entry.page:
                # It came on the page that was to settle it, or after one had.
                settled_by = page_key(entry.slice_id, entry.page)
                in_vain = {**known, "$or": [{"settled_by": settled_by}, {"state": ItemState.RETRIED.value}]}
                open_again = {
                    "$set": {"state": ItemState.OPEN.value, "reason": entry.reason},
                    "$unset": {"settled_by": "", "asked_at": "", "decided_at": ""},
                }
                writes.append(UpdateOne(in_vain, open_again))
        with translated("quarantine"):
            await self._items.bulk_write(writes)

    async def list(self, tenant: str, slice_id: str | None, limit: int) -> list[QuarantineEntry]:
        """The newest entries, of one slice or of all, whatever was decided about them."""
        query: dict[str, Any] = {"tenant": tenant}
        if slice_id is not None:
            query["slice_id"] = slice_id
        with translated("quarantine"):
            documents = await self._items.find(query).sort("at", DESCENDING).limit(limit).to_list(limit)
        return [
            QuarantineEntry(key=document["_id"], **{name: document[name] for name in _ENTRY if name in document})
            for document in map(_of_page, documents)
            if "text" in document
        ]

    async def adopt(self) -> None:
        """Entries of a version that knew no decisions are open. Idempotent."""
        with translated("quarantine"):
            await self._items.update_many({"state": {"$exists": False}}, {"$set": {"state": ItemState.OPEN.value}})

    async def expire(self, at: datetime, retention: timedelta) -> int:
        """Remove what is older than `keep`; how many open entries. Those are a permanent gap, noted first.

        A crash at any point loses no count and counts nothing twice: entries are claimed, the claim is noted as a gap,
        and only then removed; a claim that a crash left is finished first. Discarded ones stay, without their text.
        """
        old = {"at": {"$lte": at - retention}}
        removed = 0
        with translated("quarantine"):
            for claim in await self._items.distinct("claim", {**old, "claim": {"$exists": True}}):
                removed += await self._finish(claim, at)
            while (
                documents := await self._items.find(
                    {**old, "state": ItemState.OPEN.value, "claim": {"$exists": False}}, {"tenant": 1, "source": 1}
                )
                .limit(_TOGETHER)
                .to_list(_TOGETHER)
            ):
                for tenant, source in {(document["tenant"], document["source"]) for document in documents}:
                    keys = [
                        document["_id"]
                        for document in documents
                        if (document["tenant"], document["source"]) == (tenant, source)
                    ]
                    claim = f"{tenant}/{source}/quarantine/{token_hex(8)}"
                    await self._items.update_many(
                        {"_id": {"$in": keys}, "state": ItemState.OPEN.value, "claim": {"$exists": False}},
                        {"$set": {"claim": claim, "state": ItemState.EXPIRED.value}},
                    )
                    removed += await self._finish(claim, at)
            await self._items.delete_many({**old, "state": ItemState.RETRIED.value})
            await self._items.update_many(
                {**old, "state": ItemState.DISCARDED.value, "text": {"$exists": True}}, {"$unset": {"text": ""}}
            )
        return removed

    async def _finish(self, claim: str, at: datetime) -> int:
        """Note the claimed entries as a gap, and remove them; how many."""
        summed: list[Document] = [
            {"$match": {"claim": claim}},
            {
                "$group": {
                    "_id": None,
                    "items": {"$sum": 1},
                    "start": {"$min": "$at"},
                    "end": {"$max": "$at"},
                    "tenant": {"$min": "$tenant"},
                    "source": {"$min": "$source"},
                }
            },
        ]
        groups = await self._items.aggregate(summed).to_list(1)
        if not groups:
            return 0
        totals = groups[0]
        reason = "records in the quarantine expired before anybody decided about them"
        named = {name: totals[name] for name in ("tenant", "source", "start", "end")}
        await self._gaps.update_one(
            {"_id": claim},
            # The most that were seen: a removal that a crash cut short leaves fewer.
            {"$max": {"items": totals["items"]}, "$setOnInsert": {**named, "reason": reason, "noted_at": at}},
            upsert=True,
        )
        await self._items.delete_many({"claim": claim})
        return int(totals["items"])

    def _item(self, document: Document) -> Any:
        return super()._item({"sequence": 0, "size": 0, **document})


def _of_page(document: Document) -> Document:
    # Entries of before pages had ids have the page's sequence.
    return {"page": f"#{document.get('raw_seq', 0)}", **document}


def _document(entry: QuarantineEntry) -> Document:
    return {
        **{name: getattr(entry, name) for name in _ENTRY},
        "size": len(entry.text.encode("utf-8", "replace")),
        "state": ItemState.OPEN.value,
    }


async def waiting(database: Database) -> str | None:
    """How many records wait for a decision, in words; None when none does. Raises `Unreachable`."""
    count = await MongoQuarantine(database).count(Selection())
    return f"{count} wait for a decision" if count else None
