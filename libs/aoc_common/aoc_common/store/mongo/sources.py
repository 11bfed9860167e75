"""How far sources have been collected: positions, health, and the backlog for the watermark."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from aoc_common.errors import Unreachable
from aoc_common.store.mongo.backlog import missing
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.sources import SourceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

#: Spans of time that are remembered of a source; of more, the oldest are told by nobody.
_SPANS: Final = 64
_TRIES: Final = 10


class MongoSources:
    """`SourceStates` and what it is part of, over `sources`; and the backlog for the watermark."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sources = database["sources"]

    async def state(self, tenant: str, source: str) -> SourceState:
        """The state of a source without its watermark; an empty one when it has never run."""
        with translated("sources"):
            document = await self._sources.find_one({"_id": f"{tenant}/{source}"})
        return replace(_state(document, {}), watermark=None) if document else SourceState(tenant, source)

    async def advance(self, tenant: str, source: str, position: datetime, at: datetime) -> None:
        """Move the position forward (never back) and note the success."""
        await self._set(
            tenant,
            source,
            {
                "$max": {"position": position},
                # The first of several.
                "$min": {"started_at": at},
                "$set": {"last_success": at},
                "$unset": {"last_error": "", "trouble": "", "code": ""},
            },
        )

    async def skip(self, tenant: str, source: str, before: datetime | None, position: datetime, at: datetime) -> None:
        """Move the position forward if it still is `before`."""
        update: Document = {
            "$set": {"position": position},
            "$min": {"started_at": at},
            "$setOnInsert": {"tenant": tenant, "source": source},
        }
        with translated("sources"), suppress(DuplicateKeyError):  # it has moved: the upsert found the id taken
            await self._sources.update_one(
                {"_id": f"{tenant}/{source}", "position": before}, update, upsert=before is None
            )

    async def reread(self, tenant: str, source: str, age_s: int, before: datetime | None, until: datetime) -> None:
        """Move an age forward, or back, if it still is `before`."""
        noted = f"reread.{age_s}"
        with translated("sources"):
            await self._sources.update_one({"_id": f"{tenant}/{source}", noted: before}, {"$set": {noted: until}})

    async def note_requested(self, tenant: str, source: str, start: datetime, end: datetime) -> None:
        """All of this time is on the bus, since somebody asked for it."""
        of_source, named = {"_id": f"{tenant}/{source}"}, {"tenant": tenant, "source": source}
        with translated("sources"):
            for _ in range(_TRIES):
                document = await self._sources.find_one(of_source, {"asked": 1})
                before = (document or {}).get("asked")
                if (requested := _merged([*(before or []), [start, end]])) == before:
                    return
                update = {"$set": {"asked": requested}, "$setOnInsert": named}
                with suppress(DuplicateKeyError):  # somebody else was the first to note anything of it
                    noted = await self._sources.update_one(
                        {**of_source, "asked": before}, update, upsert=document is None
                    )
                    if noted.matched_count or noted.upserted_id is not None:
                        return
        raise Unreachable(f"sources: {tenant}/{source} changes all the time")

    async def note_error(
        self, tenant: str, source: str, error: str, at: datetime, *, trouble: str = "other", code: str = ""
    ) -> None:
        """Note why the source could not be collected."""
        noted = {"last_error": error[:500], "last_error_at": at, "trouble": trouble, "code": code[:100]}
        await self._set(tenant, source, {"$set": noted})

    async def note_subscribed(self, tenant: str, source: str, at: datetime) -> None:
        """Its subscription was started."""
        await self._set(tenant, source, {"$set": {"subscribed_at": at}})

    async def note_unsubscribed(self, tenant: str, source: str, since: datetime | None) -> None:
        """Its subscription does not run, and was seen to until `since`; None when that is accounted for."""
        noted = {"$unset": {"unsubscribed_since": ""}} if since is None else {"$min": {"unsubscribed_since": since}}
        await self._set(tenant, source, noted)

    async def note_watched(self, tenant: str, throttled: Mapping[str, float | None]) -> None:
        """Source -> share of the last hour's answers that asked for fewer requests."""
        updates = [
            UpdateOne(
                {"_id": f"{tenant}/{source}"},
                {"$set": {"throttled": share}, "$setOnInsert": {"tenant": tenant, "source": source}},
                upsert=True,
            )
            for source, share in throttled.items()
        ]
        if updates:
            with translated("sources"):
                await self._sources.bulk_write(updates, ordered=False)

    async def all_states(self, tenant: str | None) -> list[SourceState]:
        """Every known source, of one tenant or of all."""
        with translated("sources"):
            documents = await self._sources.find({} if tenant is None else {"tenant": tenant}).to_list(None)
            lacking = await missing(self._database, tenant)
        return sorted(
            (_state(document, lacking) for document in documents), key=lambda state: (state.tenant, state.source)
        )

    async def by_tenant(self) -> dict[str, list[str]]:
        """Tenant -> the sources that are collected, or of which there are events, both sorted."""
        with translated("sources"):
            found = await self._sources.find({}, {"tenant": 1, "source": 1}).to_list(None)
            outlines = (
                await self._database["event_outline"].find({"kinds": {"$exists": True}}, {"kinds": 1}).to_list(None)
            )
        pairs = {(one["tenant"], one["source"]) for one in found}
        for outline in outlines:
            tenant = outline["_id"].partition(" ")[0]
            pairs |= {(tenant, kind["of"][0]) for kind in outline["kinds"].values()}
        known: dict[str, list[str]] = {}
        for tenant, source in sorted(pairs):
            known.setdefault(tenant, []).append(source)
        return known

    async def _set(self, tenant: str, source: str, update: dict[str, Any]) -> None:
        update.setdefault("$setOnInsert", {}).update({"tenant": tenant, "source": source})
        with translated("sources"):
            await self._sources.update_one({"_id": f"{tenant}/{source}"}, update, upsert=True)


def _state(document: Document, lacking: Mapping[tuple[str, str], datetime]) -> SourceState:
    tenant, source, position = document["tenant"], document["source"], document.get("position")
    hole = lacking.get((tenant, source))
    return SourceState(
        tenant=tenant,
        source=source,
        watermark=position if hole is None or position is None else min(hole, position),
        position=position,
        started_at=document.get("started_at"),
        last_success=document.get("last_success"),
        last_error=document.get("last_error"),
        last_error_at=document.get("last_error_at"),
        trouble=document.get("trouble"),
        code=document.get("code") or "",
        subscribed_at=document.get("subscribed_at"),
        unsubscribed_since=document.get("unsubscribed_since"),
        throttled=document.get("throttled"),
        reread={int(age): until for age, until in document.get("reread", {}).items()},
        requested=tuple((start, end) for start, end in document.get("asked") or ()),
    )


def _merged(spans: Iterable[list[datetime]]) -> list[list[datetime]]:
    """Spans of time, those that touch each other as one; the newest of them."""
    merged: list[list[datetime]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged[-_SPANS:]
