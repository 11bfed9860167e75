"""Reads what is stored so that it can be checked: a few hundred events at a time, and the totals of sources.

An operators' tool, over all tenants. Reads only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pymongo import ASCENDING, DESCENDING

from aoc_common.store.mongo.client import translated
from aoc_common.store.mongo.sums import COUNTED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from aoc_common.store.mongo.client import Database, Document

_NAMES: Final = ("slices", *COUNTED)
_PAGE: Final = dict.fromkeys(("page", "tenant", "source", "stored", "at"), 1)
_LINK: Final = dict.fromkeys(("tenant", "twin_of", "twin", "forgotten"), 1)
_VERSION: Final = dict.fromkeys(("event_id", "number", "text", "tenant"), 1)


@dataclass(frozen=True, slots=True)
class Checked:
    """Some events, in the order of their ids.

    `events`: documents as they are stored, without those that retention has emptied. `twins`: id -> what is stored of
    the other event of a link. `versions`: event -> number -> its version. `last`: the last id that was read. `pages`:
    how many of them, emptied ones too, each page has stored.
    """

    events: Sequence[Document]
    last: UUID
    twins: Mapping[UUID, Document] = field(default_factory=dict)
    versions: Mapping[UUID, Mapping[int, Document]] = field(default_factory=dict)
    pages: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrongTotal:
    """A total of a source that is less than its slices say, which it has taken in."""

    tenant: str
    source: str
    name: str
    total: int
    slices: int


@dataclass(frozen=True, slots=True)
class CountedPage:
    """A page of records that the ledger has settled, and how many events it says that this has stored."""

    page: str
    tenant: str
    source: str
    stored: int
    at: datetime


@dataclass(frozen=True, slots=True)
class OrphanedBlob:
    """Content that was listed and never fetched, is at Microsoft no more, and is no gap of any account."""

    id: str
    tenant: str
    source: str
    expired_at: datetime


class MongoStoreCheck:
    """Reads over `events`, `event_versions`, and the ledger. Raises `Unreachable`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._slices = database["ledger_slices"]
        self._sums = database["ledger_sums"]
        self._pages = database["ledger_pages"]
        self._blobs = database["ledger_blobs"]

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
            pages = Counter(str(event.get("page", "")) for event in events)
            yield Checked(whole, at, await self._linked(whole), await self._versions_of(whole), pages)

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

    async def counted_pages(self, tenant: str | None, since: datetime, most: int) -> list[CountedPage]:
        """The newest pages that were settled since then and have stored events, at most so many.

        Of a page that came in several slices the first one has stored its events; they are added up.
        """
        settled: Document = {"settled": True, "stored": {"$gt": 0}, "at": {"$gte": since}, **_of(tenant)}
        found: dict[str, CountedPage] = {}
        with translated("ledger"):
            async for document in self._pages.find(settled, _PAGE).sort("at", DESCENDING).limit(most):
                before = found.get(document["page"])
                stored = document["stored"] + (before.stored if before else 0)
                found[document["page"]] = CountedPage(
                    document["page"], document["tenant"], document["source"], stored, document["at"]
                )
        return list(found.values())

    async def orphaned_blobs(self, tenant: str | None, before: datetime, most: int) -> list[OrphanedBlob]:
        """Blobs that nobody has fetched or counted as expired, though they have been gone since before that."""
        left = {"state": "listed", "expires": {"$lt": before}, **_of(tenant)}
        with translated("ledger"):
            documents = await self._blobs.find(left).limit(most).to_list(most)
        return [OrphanedBlob(one["_id"], one["tenant"], one["source"], one["expires"]) for one in documents]


def _of(tenant: str | None) -> Document:
    return {} if tenant is None else {"tenant": tenant}
