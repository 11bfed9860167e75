"""Events that are past their retention and still stored. The server removes them too, once a minute, by an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import translated
from aoc_common.store.review_queues import ItemState

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from aoc_common.store.mongo.client import Database, Document

#: Both are removed alike. Versions first: one without its event would be found by nobody.
_COLLECTIONS: Final = ("event_versions", "events")


@dataclass(frozen=True, slots=True)
class PastRetention:
    """How many events of a tenant's source are past their retention, as a whole or all but their ids (`content`)."""

    tenant: str
    source: str
    events: int
    content: int


class MongoPastRetention:
    """Counts over `events`, and removes from there and from `event_versions`. Raises `Unreachable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self, now: datetime, tenant: str | None = None) -> list[PastRetention]:
        """What is past its retention now, of all tenants or one.

        Ids whose content is gone already name no tenant and no source: of one tenant there are none.
        """
        whole = await self._by_source({"expire_at": {"$lte": now}, **_of(tenant)})
        content = await self._by_source({"forget_at": {"$lte": now}, "expire_at": {"$gt": now}, **_of(tenant)})
        keys = sorted({*whole, *content})
        return [PastRetention(*key, whole.get(key, 0), content.get(key, 0)) for key in keys]

    async def put_aside(self, now: datetime, retention: timedelta, tenant: str | None = None) -> dict[str, int]:
        """Dead letters and quarantined records that nobody has decided about for longer than that."""
        old = {"state": ItemState.OPEN.value, "at": {"$lte": now - retention}, **_of(tenant)}
        with translated("retention"):
            return {name: await self._database[name].count_documents(old) for name in ("dead_letters", "quarantine")}

    async def _by_source(self, due: Document) -> dict[tuple[str, str], int]:
        grouped: list[Document] = [
            {"$match": due},
            {"$group": {"_id": {"tenant": "$tenant", "source": "$source"}, "count": {"$sum": 1}}},
        ]
        with translated("retention"):
            groups = await self._database["events"].aggregate(grouped).to_list(None)
        return {
            (str(group["_id"].get("tenant") or ""), str(group["_id"].get("source") or "")): group["count"]
            for group in groups
        }

    async def remove(self, now: datetime, most: int, tenant: str | None = None) -> int:
        """Remove at most so many events, and versions, that are past their retention; how many. 0: none is left."""
        due: Document = {"expire_at": {"$lte": now}, **_of(tenant)}
        removed = 0
        with translated("retention"):
            for name in _COLLECTIONS:
                collection = self._database[name]
                found = await collection.find(due, {"_id": 1}).limit(most).to_list(most)
                if found:
                    # Not one that is kept for longer by now.
                    chosen = {"_id": {"$in": [document["_id"] for document in found]}, **due}
                    removed += (await collection.delete_many(chosen)).deleted_count
        return removed


def _of(tenant: str | None) -> Document:
    return {} if tenant is None else {"tenant": check_tenant(tenant)}
