"""Remarks about records, summed up by tenant, source and kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo import DESCENDING, UpdateOne

from aoc_common.store.mongo.client import Database, translated
from aoc_common.store.remarks import Remark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class MongoRemarks:
    """`RemarkStore` over `remarks`, a document a tenant, source and kind."""

    def __init__(self, database: Database) -> None:
        self._remarks = database["remarks"]

    async def add(self, remarks: Sequence[Remark]) -> None:
        """Add these, in one write."""
        if remarks:
            with translated("remarks"):
                await self._remarks.bulk_write([_update(remark) for remark in remarks], ordered=False)

    async def since(self, moment: datetime, most: int) -> list[Remark]:
        """Those that were last made at this moment or later, the most numerous first."""
        with translated("remarks"):
            documents = await self._remarks.find({"last": {"$gte": moment}}).sort("count", DESCENDING).to_list(most)
        return [
            Remark(
                document["tenant"],
                document["source"],
                document["kind"],
                document["count"],
                document["first"],
                document["last"],
                document["example"],
            )
            for document in documents
        ]


def _update(remark: Remark) -> UpdateOne:
    return UpdateOne(
        {"_id": f"{remark.tenant}/{remark.source}/{remark.kind}"},
        {
            "$inc": {"count": remark.count},
            "$min": {"first": remark.first},
            "$max": {"last": remark.last},
            "$setOnInsert": {
                "tenant": remark.tenant,
                "source": remark.source,
                "kind": remark.kind,
                "example": remark.example,
            },
        },
        upsert=True,
    )
