"""Many documents written at once, each only if it is still as it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.store.mongo.events import duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motor.motor_asyncio import AsyncIOMotorCollection

    from aoc_common.store.mongo.client import Document

type Update = tuple[Document, Document]
"""A filter with `_id` and the count that was read, and the change. Of a new document the count is 0."""


async def compare_and_set(
    collection: AsyncIOMotorCollection[Document], updates: Sequence[Update], counted: str
) -> frozenset[Any]:
    """Write each whose filter still holds; the `_id`s of those. `counted`: the field that counts how often.

    Raises the driver's errors.
    """
    if not updates:
        return frozenset()
    token = uuid4().hex
    writes = [
        UpdateOne(
            {**query, "_id": query["_id"]},
            {**change, "$set": {**change.get("$set", {}), "writer": token}, "$inc": {counted: 1}},
            # Another one's insert makes this one a duplicate.
            upsert=query[counted] == 0,
        )
        for query, change in updates
    ]
    ids = [query["_id"] for query, _ in updates]
    try:
        result = await collection.bulk_write(writes, ordered=False)
        if result.matched_count + result.upserted_count == len(writes):
            return frozenset(ids)
    except BulkWriteError as error:
        duplicates(error.details)
    mine: Document = {"_id": {"$in": ids}, "writer": token}
    if len(tenants := {query["tenant"] for query, _ in updates if "tenant" in query}) == 1:
        mine["tenant"] = tenants.pop()
    return frozenset([document["_id"] async for document in collection.find(mine, {"_id": 1})])
