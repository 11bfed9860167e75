"""Reads what is stored so that it can be checked: a few hundred events at a time, and the totals of sources.

An operators' tool, over all tenants. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo import ASCENDING

from aoc_common.store.mongo.client import translated
from aoc_common.store.mongo.sums import COUNTED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from aoc_common.store.mongo.client import Database, Document

_NAMES: Final = ("slices", *COUNTED)
_LINK: Final = dict.fromkeys(("tenant", "twin_of", "twin", "forgotten"), 1)
_VERSION: Final = dict.fromkeys(("event_id", "number", "text", "tenant"), 1)


@dataclass(frozen=True, slots=True)
class Checked:
    """Some events, in the order of their ids.

    `events`: documents as they are stored, without those that retention has emptied. `twins`: id -> what is stored of
    the other event of a link. `versions`: event -> number -> its version. `last`: the last id that was read.
    """

    events: Sequence[Document]
    last: UUID
    twins: Mapping[UUID, Document] = field(default_factory=dict)
    versions: Mapping[UUID, Mapping[int, Document]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrongTotal:
    """A total of a source that is less than its slices say, which it has taken in."""

    tenant: str
    source: str
    name: str
    total: int
    slices: int


class MongoStoreCheck:
    """Reads over `events`, `event_versions`, `ledger_slices` and `ledger_sums`. Raises `Unreachable`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._slices = database["ledger_slices"]
        self._sums = database["ledger_sums"]

    async def batches(self, tenant: str | None, after: UUID | None, size: int) -> AsyncGenerator[Checked]:
        """All events, or a tenant's, whose ids are above `after`, `size` at a time."""
        whose: Document = {} if tenant is None else {"tenant": tenant}
        at = after or UUID(int=0)
        while True:
            with translated("events"):
                query = {**whose, "_id": {"$gt": at}}
                events = await self._events.find(query).sort("_id", ASCENDING).limit(size).to_list(size)
            if not events:
                return
            at = events[-1]["_id"]
            whole = [event for event in events if "forgotten" not in event]
            yield Checked(whole, at, await self._linked(whole), await self._versions_of(whole))

    async def _linked(self, events: Sequence[Document]) -> dict[UUID, Document]:
        named = {event[name] for event in events for name in ("twin", "twin_of") if name in event}
        if not named:
            return {}
        with translated("events"):
            return {
                document["_id"]: document async for document in self._events.find({"_id": {"$in": [*named]}}, _LINK)
            }

    async def _versions_of(self, events: Sequence[Document]) -> dict[UUID, dict[int, Document]]:
        changed = [event["_id"] for event in events if event.get("versions", 1) > 1 or "version" in event]
        found: dict[UUID, dict[int, Document]] = {}
        if changed:
            with translated("event_versions"):
                async for version in self._versions.find({"event_id": {"$in": changed}}, _VERSION):
                    found.setdefault(version["event_id"], {})[version["number"]] = version
        return found

    async def wrong_totals(self, tenant: str | None) -> list[WrongTotal]:
        """Totals that hold less than what their slices note as taken in; they outlive slices, so they may hold more."""
        whose: Document = {} if tenant is None else {"tenant": tenant}
        summed: list[Document] = [
            {"$match": {**whose, "summed": {"$exists": True}}},
            {
                "$group": {
                    "_id": {"tenant": "$tenant", "source": "$source"},
                    **{name: {"$sum": f"$summed.{name}"} for name in _NAMES},
                }
            },
        ]
        with translated("ledger"):
            # The slices first: what is taken in meanwhile only adds to the totals.
            groups = await self._slices.aggregate(summed).to_list(None)
            totals = {
                (document["tenant"], document["source"]): document async for document in self._sums.find(dict(whose))
            }
        wrong: list[WrongTotal] = []
        for group in groups:
            key = (str(group["_id"]["tenant"]), str(group["_id"]["source"]))
            total: Mapping[str, Any] = totals.get(key, {})
            pairs = {name: (int(total.get(name, 0)), int(group[name] or 0)) for name in _NAMES}
            wrong += [WrongTotal(*key, name, held, noted) for name, (held, noted) in pairs.items() if held < noted]
        return wrong
