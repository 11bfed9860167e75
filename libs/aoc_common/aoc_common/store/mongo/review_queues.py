"""What dead letters and the quarantine have in common: listing, republishing, decisions."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, DESCENDING, UpdateOne

from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.ledger import HANDLED
from aoc_common.store.review_queues import Decision, Item, ItemState, Selection, StateCount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_ITEM: Final = tuple(field_.name for field_ in fields(Item) if field_.name not in {"key", "state", "headers"})
_NEWEST: Final = [("at", DESCENDING), ("_id", DESCENDING)]
_LOOKED_AFTER: Final = 1_000
_REASON: Final = 1_000
_OPEN: Final = {"state": ItemState.OPEN.value}


class MongoReviewQueue:
    """`ReviewQueue` over a collection whose items hold their content in the field `content`."""

    def __init__(self, database: Database, name: str, content: str) -> None:
        self._items = database[name]
        self._pages = database["ledger_pages"]
        self._name = name
        self._content = content
        self._looked_at = ""

    async def find(self, selection: Selection) -> list[Item]:
        """The newest of these items."""
        query = _query(selection)
        with translated(self._name):
            cursor = self._items.find(query, {self._content: 0}).sort(_NEWEST).limit(selection.limit)
            return [self._item(document) for document in await cursor.to_list(selection.limit)]

    async def count(self, selection: Selection) -> int:
        """How many there are, whatever the selection's limit."""
        with translated(self._name):
            return int(await self._items.count_documents(_query(selection)))

    async def counts(self, tenant: str) -> list[StateCount]:
        """How many items of each of a tenant's sources are in each state."""
        grouped: list[Document] = [
            {"$match": {"tenant": tenant}},
            {
                "$group": {
                    "_id": {"source": "$source", "state": "$state"},
                    "items": {"$sum": 1},
                    "oldest": {"$min": "$at"},
                }
            },
        ]
        with translated(self._name):
            found = await self._items.aggregate(grouped).to_list(None)
        counts = [
            StateCount(
                group["_id"].get("source") or "",
                ItemState(group["_id"].get("state", ItemState.OPEN)),
                group["items"],
                group["oldest"],
            )
            for group in found
        ]
        return sorted(counts, key=lambda count: (count.source, count.state))

    async def content(self, key: str, tenant: str | None = None) -> bytes | None:
        """An item's content; None when it is not kept here. `tenant`: whose it must be, for who is no operator."""
        whose = {} if tenant is None else {"tenant": tenant}
        with translated(self._name):
            document = await self._items.find_one({"_id": key, **whose}, {self._content: 1})
        held = (document or {}).get(self._content)
        return held.encode("utf-8", "replace") if isinstance(held, str) else None if held is None else bytes(held)

    async def republished(self, item: Item, page: str, at: datetime) -> None:
        """The item was republished: `page` is its page in the ledger, empty when it has none."""
        # What has no page in the ledger is out of our hands with its publication.
        decided = {} if page else {"state": ItemState.RETRIED.value, "decided_at": at}
        with translated(self._name):
            await self._items.update_one({"_id": item.key}, {"$inc": {"tries": 1}})
            # A normalizer can be quicker than we are: what it has given up again since is open, and not on its way.
            await self._items.update_one(
                {"_id": item.key, **_OPEN, "failed_at": item.failed_at},
                {"$set": {"asked_at": at, "settled_by": page, **decided}, "$unset": {"left": ""}},
            )

    async def note_left(self, tenant: str, key: str, reason: str) -> None:
        """This open item of the tenant was to be decided about, and was left as it is, for this reason."""
        with translated(self._name):
            await self._items.update_one({"_id": key, "tenant": tenant, **_OPEN}, {"$set": {"left": reason[:_REASON]}})

    async def discard(self, keys: Sequence[str], decision: Decision) -> int:
        """These open items are not needed; how many there were."""
        decided = {"who": decision.who, "why": decision.why, "decided_at": decision.at}
        with translated(self._name):
            done = await self._items.bulk_write(
                [
                    UpdateOne({"_id": key, **_OPEN}, {"$set": {"state": ItemState.DISCARDED.value, **decided}})
                    for key in keys
                ],
                ordered=False,
            )
        return int(done.modified_count)

    async def handled(self, keys: Sequence[str], at: datetime) -> None:
        """These items were handled after all."""
        if keys:
            with translated(self._name):
                await self._items.update_many(
                    {"_id": {"$in": list(keys)}, **_OPEN},
                    {"$set": {"state": ItemState.RETRIED.value, "decided_at": at}},
                )

    async def _waiting_with_page(self) -> dict[str, list[str]]:
        """Page in the ledger -> the open items that it would settle; another thousand each time, in turns."""
        query = {**_OPEN, "settled_by": {"$gt": ""}, "_id": {"$gt": self._looked_at}}
        documents = (
            await self._items.find(query, {"settled_by": 1}).sort("_id", ASCENDING).limit(_LOOKED_AFTER).to_list(None)
        )
        self._looked_at = documents[-1]["_id"] if len(documents) == _LOOKED_AFTER else ""
        pages: dict[str, list[str]] = {}
        for document in documents:
            pages.setdefault(document["settled_by"], []).append(document["_id"])
        return pages

    async def look_after(self, at: datetime) -> None:
        """Close the items whose pages the normalizer has settled since."""
        with translated(self._name):
            waiting = await self._waiting_with_page()
            pages = list(waiting)
            for start in range(0, len(pages), BATCH_SIZE):
                done = {"_id": {"$in": pages[start : start + BATCH_SIZE]}, **HANDLED}
                settled = [page["_id"] async for page in self._pages.find(done, {"_id": 1})]
                await self.handled([key for page in settled for key in waiting[page]], at)

    def _item(self, document: Document) -> Item:
        values: dict[str, Any] = {name: document[name] for name in _ITEM if name in document}
        return Item(
            key=document["_id"],
            state=ItemState(document.get("state", ItemState.OPEN)),
            headers=dict(document.get("headers", ())),
            **values,
        )


def _query(selection: Selection) -> Document:
    query: Document = {
        name: value for name in ("tenant", "source", "service") if (value := getattr(selection, name)) is not None
    }
    if selection.state is not None:
        query["state"] = selection.state.value
    if selection.keys:
        query["_id"] = {"$in": list(selection.keys)}
    if selection.reason is not None:
        query["reason"] = {"$regex": re.escape(selection.reason), "$options": "i"}
    if selection.before is not None:
        at, key = selection.before
        query["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": key}}]
    return query
