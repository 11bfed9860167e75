"""A tenant's retention, when it has changed, is applied to the events that are stored already: bit by bit, resumably.

How far it is stands in `upgrades`, a document a tenant: for which retention (`goal`), and until which event (`at`). An
event that stands for two (`twins`) is kept as long as any source's, since the other one leads to it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING, UpdateMany, UpdateOne

from aoc_common.contracts import ids
from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.contracts.subjects import IMPORT_SOURCE, check_tenant
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.events import remembered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Events that are looked at with one query, and changed with one write.
_TOGETHER: Final = 500
_FIELDS: Final = ("source", "expire_at", "forget_at", "twin", "versions", "event.metadata.processed_time")
_ALL: Final = (*SOURCE_NAMES, IMPORT_SOURCE)

type Keep = Callable[[str], timedelta]
"""Source -> how long its events are kept after they were stored."""


class MongoEventRetention:
    """Applies retention over `events` and `event_versions`. Both methods may raise `Transient`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._progress = database["upgrades"]

    async def due(self, goals: Mapping[str, str]) -> list[str]:
        """Tenants whose retention is not applied to all that is stored.

        `goals`: tenant -> what names its retention; empty: the one by default.
        """
        with translated("retention"):
            cursor = self._progress.find({"_id": {"$in": [_key(tenant) for tenant in goals]}})
            progress = {document["_id"]: document async for document in cursor}
        return [tenant for tenant, goal in goals.items() if not _is_applied(goal, progress.get(_key(tenant)))]

    async def apply(self, tenant: str, goal: str, keep: Keep) -> bool:
        """Apply it to the next few hundred events; False when that was all."""
        with translated("retention"):
            document = await self._progress.find_one({"_id": _key(tenant)})
            at = document.get("at") if document is not None and document["goal"] == goal else None
            query: Document = {"tenant": check_tenant(tenant), **({} if at is None else {"_id": {"$gt": at}})}
            cursor = self._events.find(query, dict.fromkeys(_FIELDS, 1)).sort("_id", ASCENDING).limit(_TOGETHER)
            events = await cursor.to_list(_TOGETHER)
            await self._change(events, keep)
            last = events[-1]["_id"] if events else at
            noted = {"goal": goal, "at": last, "done": len(events) < _TOGETHER}
            await self._progress.update_one({"_id": _key(tenant)}, {"$set": noted}, upsert=True)
        return len(events) == _TOGETHER

    async def _change(self, events: Sequence[Document], keep: Keep) -> None:
        longest = max(map(keep, _ALL))
        changes, versions = [], []
        for event in events:
            if (change := _change_of(event, longest if "twin" in event else keep(event["source"]))) is None:
                continue
            changes.append(UpdateOne({"_id": event["_id"], "forgotten": {"$exists": False}}, change))
            if event.get("versions", 1) > 1:
                versions.append(UpdateMany({"event_id": event["_id"]}, change))
        if versions:
            await self._versions.bulk_write(versions, ordered=False)
        if changes:
            await self._events.bulk_write(changes, ordered=False)


def _change_of(event: Document, kept: timedelta) -> Document | None:
    """What is to be changed; None for an event that is kept as long already, or does not say when it was stored."""
    stored_ms = event.get("event", {}).get("metadata", {}).get("processed_time")
    if not isinstance(stored_ms, int):
        return None
    stored = ids.from_ms(stored_ms)
    known = remembered(event["source"], event["_id"].int >> 80, stored)
    expire, forget = stored + max(kept, known), stored + kept if kept < known else None
    if event["expire_at"] == expire and event.get("forget_at") == forget:
        return None
    if forget is None:
        return {"$set": {"expire_at": expire}, "$unset": {"forget_at": ""}}
    return {"$set": {"expire_at": expire, "forget_at": forget}}


def _is_applied(goal: str, progress: Document | None) -> bool:
    if progress is None:
        return not goal
    return bool(progress["goal"] == goal and progress["done"])


def _key(tenant: str) -> str:
    return f"retention {check_tenant(tenant)}"
