"""The account of sources: slices are settled one by one and summed up by day, so that years cost no more than days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, DESCENDING, UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.accounts import Gap, GapCause, SourceAccount
from aoc_common.store.backlog import Cause
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import TOGETHER, Database, Document, translated
from aoc_common.store.mongo.ledger import MongoSources
from aoc_common.store.mongo.put_aside import put_aside
from aoc_common.store.ports import SliceState, SourceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_common.store.backlog import Stretch
    from aoc_common.store.mongo.put_aside import PutAside

#: A slice that gave nothing is only kept to be looked at; the others are evidence.
_KEEP_EMPTY: Final = timedelta(days=7)
_KEEP: Final = timedelta(days=400)
#: A source that is this far behind has a gap, and does not merely wait for its next slice.
_BEHIND: Final = timedelta(minutes=30)
_GAPS_SHOWN: Final = 1_000
#: What is counted of each page; pages of an earlier version lack the last ones.
_OF_PAGES: Final = ("stored", "changed", "duplicate", "quarantined", "not_understood", "undated")
_COUNTED: Final = ("pages", "records", *_OF_PAGES)
_DAY: Final = timedelta(days=1)
_SUM_OF_SLICE: Final[Document] = {
    "$group": {"_id": "$slice_id", "seen": {"$sum": 1}, **{name: {"$sum": f"${name}"} for name in _OF_PAGES}}
}
_NOTHING: Final[Document] = dict.fromkeys(("seen", *_OF_PAGES), 0)
_OF_A_SUM: Final = {"tenant": 1, "source": 1, "start": 1, "settled_at": 1}


class MongoAccount:
    """`AccountStore` over `ledger_slices`, `ledger_pages`, `ledger_blobs` and `ledger_days`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._slices = database["ledger_slices"]
        self._pages = database["ledger_pages"]
        self._blobs = database["ledger_blobs"]
        self._days = database["ledger_days"]
        self._gaps = database["ledger_gaps"]
        self._sources = MongoSources(database)
        self._backlog = MongoBacklog(database)
        self._arrivals = MongoArrivals(database)

    async def settle(self, at: datetime, limit: int) -> int:
        """Close the account of fetched slices whose every page is settled; how many."""
        with translated("ledger"):
            # Only those whose pages have changed since they were looked at: what waits costs nothing.
            wanted = {"unchecked": True, "state": SliceState.FETCHED.value}
            fetched = await self._slices.find(wanted).limit(limit).to_list(None)
            settled = await self._settled(fetched)
            if fetched:
                await self._slices.bulk_write(
                    [
                        UpdateOne(
                            # Only as it was when its pages were looked at.
                            {name: one.get(name) for name in ("_id", "state", "fetched_at", "touched")},
                            {
                                "$set": {**settled[one["_id"]], **_closed(one, at)} if one["_id"] in settled else {},
                                "$unset": {"unchecked": ""},
                            },
                        )
                        for one in fetched
                    ],
                    ordered=False,
                )
            await self._sum_up(limit)
        return len(settled)

    async def _settled(self, fetched: Iterable[Document]) -> dict[str, Document]:
        """Slice -> what became of its records, of those of which every page that was ever published is settled.

        What stood on a page of an earlier try counts for the slice too.
        """
        found: dict[str, Document] = {}
        for together in batched(fetched, TOGETHER):
            slices = {one["_id"]: one for one in together}
            mine = {"slice_id": {"$in": list(slices)}}
            waiting = set(await self._pages.distinct("slice_id", {**mine, "waiting_since": {"$exists": True}}))
            sums: dict[str, Document] = {
                group.pop("_id"): group async for group in self._pages.aggregate([{"$match": mine}, _SUM_OF_SLICE])
            }
            for key, one in slices.items():
                totals = sums.get(key, _NOTHING)
                if key not in waiting and not _lacks_pages(one, totals):
                    found[key] = {name: totals[name] for name in _OF_PAGES}
        return found

    async def _sum_up(self, limit: int) -> None:
        """Sum up the days of settled slices that are in no sum yet: also of those that a crash left so.

        Sums only grow, so replicas that do it at once, from states of different age, end with the newest.
        """
        fresh = await self._slices.find({"unsummed": True}, _OF_A_SUM).to_list(limit)
        for tenant, source, day in {(one["tenant"], one["source"], _day(one["start"])) for one in fresh}:
            pipeline: list[Document] = [
                {
                    "$match": {
                        "tenant": tenant,
                        "source": source,
                        "start": {"$gte": day, "$lt": day + _DAY},
                        "state": SliceState.SETTLED.value,
                    }
                },
                {"$group": {"_id": None, "slices": {"$sum": 1}, **{name: {"$sum": f"${name}"} for name in _COUNTED}}},
            ]
            sums = await self._slices.aggregate(pipeline).to_list(1)
            if sums:
                values = {name: value for name, value in sums[0].items() if name != "_id"}
                await self._days.update_one(
                    {"_id": f"{tenant}/{source}/{day:%Y-%m-%d}"},
                    {"$max": values, "$setOnInsert": {"tenant": tenant, "source": source, "day": day}},
                    upsert=True,
                )
        if fresh:
            await self._slices.bulk_write(
                [
                    # Not what was settled again since.
                    UpdateOne({name: one[name] for name in ("_id", "settled_at")}, {"$unset": {"unsummed": ""}})
                    for one in fresh
                ],
                ordered=False,
            )

    async def accounts(self, tenant: str, now: datetime) -> list[SourceAccount]:
        """Every source of a tenant that was ever collected, by name."""
        check_tenant(tenant)
        states = {state.source: state for state in await self._sources.all_states(tenant)}
        aside = await put_aside(self._database, tenant)
        # What came from a file has no state of its own.
        states |= {source: SourceState(tenant, source) for source in aside.letters.keys() - states.keys()}
        behind = [one for one in await self._backlog.waiting(tenant) if one.cause is Cause.BEHIND]
        with translated("ledger"):
            sums = await self._sums(tenant)
            blobs = await self._blob_counts(tenant)
            found = [
                await self._account(
                    tenant,
                    state,
                    sums.get(source, {}),
                    blobs.get(source, {}),
                    aside,
                    _behind(state, [one for one in behind if one.source == source], now),
                )
                for source, state in sorted(states.items())
            ]
        recently = await self._arrivals.recently(tenant, {one.source: one.complete_until for one in found})
        return [replace(one, recently=recently.get(one.source, one.recently)) for one in found]

    async def _account(
        self,
        tenant: str,
        state: SourceState,
        sums: Document,
        blobs: Mapping[str, Document],
        aside: PutAside,
        behind: Iterable[Gap],
    ) -> SourceAccount:
        of_source = {"tenant": tenant, "source": state.source}
        unsettled = {**of_source, "state": SliceState.FETCHED.value}
        complete_until = state.watermark
        # What is only looked at again was complete before.
        oldest = await self._slices.find_one({**unsettled, "again": {"$ne": True}}, sort=[("end", ASCENDING)])
        if oldest is not None:
            before = {**of_source, "state": SliceState.SETTLED.value, "end": {"$lt": oldest["end"]}}
            last = await self._slices.find_one(before, sort=[("start", DESCENDING)])
            complete_until = min(last["end"] if last else oldest["start"], complete_until or oldest["start"])
        counts: dict[str, Any] = {name: int(sums.get(name, 0)) for name in ("slices", *_COUNTED)}
        return SourceAccount(
            tenant=tenant,
            source=state.source,
            since=sums.get("since"),
            watermark=state.watermark,
            complete_until=complete_until,
            last_success=state.last_success,
            last_error=state.last_error,
            last_error_at=state.last_error_at,
            trouble=state.trouble,
            code=state.code,
            subscribed_at=state.subscribed_at,
            throttled=state.throttled,
            first_expiry=blobs.get("listed", {}).get("dies"),
            unsettled=await self._slices.count_documents(unsettled),
            blobs_fetched=int(blobs.get("fetched", {}).get("count", 0)),
            blobs_waiting=int(blobs.get("listed", {}).get("count", 0)),
            blobs_expired=int(blobs.get("expired", {}).get("count", 0)),
            dead_letters=aside.of(state.source).get("letters", 0),
            dead_lettered=aside.of(state.source).get("records", 0),
            waiting=aside.waiting.get(state.source, 0),
            gaps=(*await self._lost(of_source), *_of_blobs(blobs), *aside.gaps(state.source), *behind),
            **counts,
        )

    async def _lost(self, of_source: Document) -> list[Gap]:
        found = await self._gaps.find(of_source).sort("start", ASCENDING).limit(_GAPS_SHOWN).to_list(None)
        return [
            Gap(GapCause.LOST, one["start"], one["end"], closable=False, items=one.get("items"), detail=one["reason"])
            for one in found
        ]

    async def _sums(self, tenant: str) -> dict[str, Document]:
        pipeline: list[Document] = [
            {"$match": {"tenant": tenant}},
            {
                "$group": {
                    "_id": "$source",
                    "since": {"$min": "$day"},
                    **{name: {"$sum": f"${name}"} for name in ("slices", *_COUNTED)},
                }
            },
        ]
        return {found["_id"]: found async for found in self._days.aggregate(pipeline)}

    async def _blob_counts(self, tenant: str) -> dict[str, dict[str, Document]]:
        pipeline: list[Document] = [
            {"$match": {"tenant": tenant}},
            {
                "$group": {
                    "_id": {"source": "$source", "state": "$state"},
                    "count": {"$sum": 1},
                    "first": {"$min": "$created"},
                    "last": {"$max": "$created"},
                    "dies": {"$min": "$expires"},
                    "reason": {"$max": "$reason"},
                }
            },
        ]
        found: dict[str, dict[str, Document]] = {}
        async for group in self._blobs.aggregate(pipeline):
            found.setdefault(group["_id"]["source"], {})[group["_id"]["state"]] = group
        return found


def _closed(one: Document, at: datetime) -> dict[str, Any]:
    keep = _KEEP if one.get("records") else _KEEP_EMPTY
    return {"state": SliceState.SETTLED.value, "settled_at": at, "unsummed": True, "expire_at": at + keep}


def _lacks_pages(one: Document, totals: Document) -> bool:
    """Whether the ledger has not even heard of all pages of a slice: an older version noted only what was settled."""
    return int(totals["seen"]) < (one.get("pages") or 0)


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _behind(state: SourceState, left: Iterable[Stretch], now: datetime) -> Iterable[Gap]:
    """What is not fetched yet: what an outage left, and what lies before the live slices."""
    for one in left:
        yield Gap(GapCause.BEHIND, one.done_until, one.end, closable=True, detail=state.last_error)
    if state.position is not None and now - state.position > _BEHIND:
        yield Gap(GapCause.BEHIND, state.position, now, closable=True, detail=state.last_error)


def _of_blobs(blobs: Mapping[str, Document]) -> Iterable[Gap]:
    expired, waiting = blobs.get("expired"), blobs.get("listed")
    if expired is not None:
        yield Gap(GapCause.EXPIRED, expired["first"], expired["last"], closable=False, items=expired["count"])
    if waiting is not None:
        dies = waiting["dies"]
        said = [f"the first of it expires at {dies:%Y-%m-%dT%H:%M:%SZ}"] if dies else []
        if reason := waiting["reason"]:
            said.append(f"some of it cannot be read: {reason}")
        detail = "; ".join(said) or None
        yield Gap(
            GapCause.WAITING, waiting["first"], waiting["last"], closable=True, items=waiting["count"], detail=detail
        )
