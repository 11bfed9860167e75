"""The `sink_accounts` collection: what became of entries, a document for each sink and tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymongo import UpdateOne

from aoc_common.contracts.sink_states import COUNTED, Tally
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping


class MongoSinkAccounts:
    """`SinkAccountStore` over `sink_accounts`."""

    def __init__(self, database: Database) -> None:
        self._accounts = database["sink_accounts"]

    async def add(self, sink: str, tallies: Mapping[str, Tally]) -> None:
        """One write for all tenants."""
        if not tallies:
            return
        writes = [
            UpdateOne({"_id": f"{sink}/{tenant}"}, _addition(sink, tenant, tally), upsert=True)
            for tenant, tally in tallies.items()
        ]
        with translated("sink accounts"):
            await self._accounts.bulk_write(writes, ordered=False)

    async def of(self, sink: str) -> Mapping[str, Tally]:
        """Tenant -> its account."""
        with translated("sink accounts"):
            return {document["tenant"]: tally_of(document) async for document in self._accounts.find({"sink": sink})}

    async def forget(self, sink: str) -> None:
        """Remove a sink's accounts."""
        with translated("sink accounts"):
            await self._accounts.delete_many({"sink": sink})


def _addition(sink: str, tenant: str, tally: Tally) -> Document:
    change: Document = {"$inc": {name: getattr(tally, name) for name in COUNTED}}
    change["$set"] = {"sink": sink, "tenant": tenant}
    if tally.error_at is not None:
        change["$set"] |= {"error": tally.error, "error_at": tally.error_at}
    if tally.delivered_at is not None:
        change["$max"] = {"delivered_at": tally.delivered_at}
    return change


def tally_of(document: Document) -> Tally:
    """The account that a document is."""
    held: dict[str, Any] = {name: document.get(name, 0) for name in COUNTED}
    return Tally(
        **held,
        error=document.get("error", ""),
        error_at=document.get("error_at"),
        delivered_at=document.get("delivered_at"),
    )
