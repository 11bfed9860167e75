"""The account of sources: slices are settled one by one and taken into totals, so that years cost no more than days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.accounts import Gap, GapCause, SourceAccount, Waiting
from aoc_common.store.backlog import Cause
from aoc_common.store.clock_corrections import AHEAD
from aoc_common.store.mongo.arrivals import MongoArrivals
from aoc_common.store.mongo.backlog import MongoBacklog
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.clock_corrections import MongoClockCorrections
from aoc_common.store.mongo.expired import MongoExpired, added
from aoc_common.store.mongo.outcomes import RETENTION, page_key
from aoc_common.store.mongo.review_counts import review_counts
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.sums import COUNTED, MongoSums
from aoc_common.store.mongo.unsettled import MongoUnsettled
from aoc_common.store.slices import SliceState
from aoc_common.store.sources import SourceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from aoc_common.store.backlog import Stretch
    from aoc_common.store.mongo.review_counts import ReviewCounts

#: A slice that gave nothing is only kept to be looked at; the others are evidence.
_RETENTION_EMPTY: Final = timedelta(days=7)
_RETENTION: Final = timedelta(days=400)
#: A source that is this far behind has a gap, and does not merely wait for its next slice.
_BEHIND: Final = timedelta(minutes=30)
_DAY: Final = timedelta(days=1)
_GAPS_SHOWN: Final = 1_000
#: Pages of slices that were merged began to expire at different times of a day, and clocks differ.
_MARGIN: Final = timedelta(days=2)
#: What is counted of each page; pages of an earlier version lack the last ones.
_OF_PAGES: Final = COUNTED[2:]
_OF_RECORDS: Final = ("stored", "changed", "duplicate", "quarantined")
_SUM_OF_SLICE: Final[Document] = {
    "$group": {
        "_id": "$slice_id",
        "seen": {"$sum": 1},
        **{name: {"$sum": f"${name}"} for name in (*_OF_PAGES, "added")},
    }
}
_BLOBS: Final[Document] = {
    "$group": {
        "_id": "$source",
        "count": {"$sum": 1},
        "first": {"$min": "$created"},
        "last": {"$max": "$created"},
        "dies": {"$min": "$expires"},
        "reason": {"$max": "$reason"},
    }
}
_NOTHING: Final[Document] = dict.fromkeys(("seen", *_OF_PAGES), 0)


class MongoAccount:
    """`AccountStore` over `ledger_slices`, `ledger_pages`, `ledger_blobs` and `ledger_sums`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._slices = database["ledger_slices"]
        self._pages = database["ledger_pages"]
        self._blobs = database["ledger_blobs"]
        self._gaps = database["ledger_gaps"]
        self._sums = MongoSums(database)
        self._expired = MongoExpired(database)
        self._sources = MongoSources(database)
        self._backlog = MongoBacklog(database)
        self._arrivals = MongoArrivals(database)
        self._corrections = MongoClockCorrections(database)
        self._unsettled = MongoUnsettled(database)

    async def settle(self, at: datetime, limit: int) -> int:
        """Close the account of fetched slices whose every page is settled; how many."""
        with translated("ledger"):
            # Only those whose pages have changed since they were looked at: what waits costs nothing.
            unchecked = {"unchecked": True, "state": SliceState.FETCHED.value}
            fetched = await self._slices.find(unchecked).limit(limit).to_list(None)
            settled = await self._settled(fetched, at)
            for some in batched(settled, BATCH_SIZE):
                # First: what is closed and never expires would be there for ever.
                of_slices = {"slice_id": {"$in": list(some)}}
                await self._pages.update_many(of_slices, {"$set": {"expire_at": at + RETENTION}})
            if fetched:
                await self._slices.bulk_write(
                    [
                        UpdateOne(
                            # Only as it was when its pages were looked at.
                            {name: document.get(name) for name in ("_id", "state", "fetched_at", "touched")},
                            {
                                "$set": _closed(document, settled[document["_id"]], at)
                                if document["_id"] in settled
                                else {},
                                "$unset": {"unchecked": ""},
                            },
                        )
                        for document in fetched
                    ],
                    ordered=False,
                )
            await self._sum_up(limit)
        return len(settled)

    async def _settled(self, fetched: Iterable[Document], at: datetime) -> dict[str, Document]:
        """Slice -> what became of its records, of those of which every page that was ever published is settled.

        What stood on a page of an earlier try counts for the slice too. An account that was closed so long ago that
        its pages are forgotten stays what it was.
        """
        closed: dict[str, Document] = {}
        for together in batched(fetched, BATCH_SIZE):
            slices = {document["_id"]: document for document in together}
            of_slices = {"slice_id": {"$in": list(slices)}}
            waiting = set(await self._pages.distinct("slice_id", {**of_slices, "waiting_since": {"$exists": True}}))
            idle = [key for key in slices if key not in waiting]
            summed: list[Document] = [{"$match": {"slice_id": {"$in": idle}}}, _SUM_OF_SLICE]
            sums: dict[str, Document] = (
                {group.pop("_id"): group async for group in self._pages.aggregate(summed)} if idle else {}
            )
            for key in idle:
                document, totals = slices[key], sums.get(key, _NOTHING)
                if lacks_pages(document, totals["seen"]) and "settled_at" not in document:
                    totals = await self._with_merged(key, totals)
                if not lacks_pages(document, totals["seen"]):
                    # A try after another reads less, e.g. no content that is known: its records are not all.
                    # What they added of a lost page is counted with the slice of that one.
                    became = sum(totals[name] for name in _OF_RECORDS) - totals.get("added", 0)
                    records = max(int(document.get("records") or 0), became)
                    closed[key] = {name: totals[name] for name in _NOTHING} | {"records": records}
                elif "settled_at" in document and document["settled_at"] <= at - RETENTION + _MARGIN:
                    closed[key] = {name: document.get(name, 0) for name in _NOTHING}
        return closed

    async def _with_merged(self, slice_id: str, totals: Document) -> Document:
        """Totals with the pages that are known as those of a slice that this one was merged into (`compaction`).

        It was collected once more since, and they came again: what they hold is counted there, and known here.
        """
        of_slice: Document = {"_id": {"$gte": page_key(slice_id, ""), "$lt": page_key(slice_id, "~")}}
        pages = await self._pages.find({**of_slice, "slice_id": {"$ne": slice_id}}).to_list(None)
        known = sum(int(page.get(name, 0)) for page in pages for name in _OF_RECORDS)
        return {**totals, "seen": totals["seen"] + len(pages), "duplicate": totals["duplicate"] + known}

    async def _sum_up(self, limit: int) -> None:
        """Take settled slices and fetched blobs into the totals: also what a crash left out."""
        await self._sums.add_up(limit)

    async def waiting(self) -> dict[tuple[str, str], Waiting]:
        """(tenant, source) -> content that is listed and not fetched yet, of all tenants."""
        pipeline: list[Document] = [
            {"$match": {"state": "listed"}},
            {
                "$group": {
                    "_id": {"tenant": "$tenant", "source": "$source"},
                    "count": {"$sum": 1},
                    "dies": {"$min": "$expires"},
                }
            },
        ]
        with translated("ledger"):
            groups = await self._blobs.aggregate(pipeline).to_list(None)
        return {
            (group["_id"]["tenant"], group["_id"]["source"]): Waiting(int(group["count"]), group["dies"])
            for group in groups
        }

    async def accounts(self, tenant: str, now: datetime) -> list[SourceAccount]:
        """Every source of a tenant of which anything is known, by name; what came from files is one.

        Others write meanwhile. What hands its part of the account on is read before what takes it over: positions and
        content before slices, these before dead letters and before stretches, which lost pages become.
        """
        check_tenant(tenant)
        states = {state.source: state for state in await self._sources.all_states(tenant)}
        sums = await self._sums.of(tenant)
        with translated("ledger"):
            blobs = await self._blob_counts(tenant)
            gaps = await self._lost(tenant)
            contents = await self._unsettled.contents(tenant)
            unsettled = await self._unsettled.slices(tenant)
        reviews = await review_counts(self._database, tenant)
        behind = [stretch for stretch in await self._backlog.waiting(tenant) if stretch.cause is Cause.BEHIND]
        # Files have no state of a source, and their account is as good as any.
        known = reviews.letters.keys() | reviews.waiting.keys() | sums.keys() | gaps.keys() | unsettled.keys()
        states |= {source: SourceState(tenant, source) for source in known - states.keys()}
        accounts = []
        for source, before in sorted(states.items()):
            stretches = [stretch for stretch in behind if stretch.source == source]
            state = _held_back(before, stretches)
            until = await self._complete_until(state, unsettled.get(source, []), contents.get(source), now)
            missing = [*gaps.get(source, ()), *_behind(state, stretches, now)]
            accounts.append(
                _account(
                    state,
                    until,
                    sums.get(source, {}),
                    blobs.get(source, {}),
                    reviews,
                    unsettled.get(source, []),
                    missing,
                )
            )
        recently = await self._arrivals.recently(
            tenant, {account.source: account.complete_until for account in accounts}
        )
        accounts = [replace(account, recently=recently.get(account.source, account.recently)) for account in accounts]
        return [_warming_up(account, now) for account in accounts]

    async def _complete_until(
        self, state: SourceState, unsettled: Sequence[Document], contents: datetime | None, now: datetime
    ) -> datetime | None:
        with translated("ledger"):
            claimed = await self._unsettled.complete_until(state, unsettled, contents)
        return await self._proven(state, claimed, now)

    async def _proven(self, state: SourceState, claimed: datetime | None, now: datetime) -> datetime | None:
        """The part of a claim that lies in the past. What a clock ahead has collected of the future was not there yet.

        The watermark stays as it is until the collector has set it back: that it lies in the future tells of the clock.
        """
        if claimed is None or claimed <= now + AHEAD:
            return claimed
        begin = await self._corrections.first_in_future(state.tenant, state.source, now)
        return min(begin or now, now)

    async def _lost(self, tenant: str) -> dict[str, list[Gap]]:
        by_source: dict[str, list[Gap]] = {}
        more: dict[str, int] = {}
        async for document in self._gaps.find({"tenant": tenant, "day": {"$exists": False}}).sort("start", ASCENDING):
            of_source = by_source.setdefault(document["source"], [])
            start, end, items = document["start"], document["end"], document.get("items")
            gap = Gap(GapCause.LOST, start, end, closable=False, items=items, detail=document["reason"])
            if len(of_source) < _GAPS_SHOWN:
                of_source.append(gap)
            else:
                # What is not shown one by one is still told: as one gap over all of them.
                more[document["source"]] = count = more.get(document["source"], 1) + 1
                of_source[-1] = _joined(of_source[-1], gap, count)
        return by_source

    async def _blob_counts(self, tenant: str) -> dict[str, dict[str, Document]]:
        """Source -> state -> how many blobs, of those that are not fetched; of old ones by their days."""
        by_source: dict[str, dict[str, Document]] = {}
        for state in ("listed", "expired"):
            async for group in self._blobs.aggregate([{"$match": {"state": state, "tenant": tenant}}, _BLOBS]):
                by_source.setdefault(group["_id"], {})[state] = group
        for source, counted in (await self._expired.counts(tenant)).items():
            of_source = by_source.setdefault(source, {})
            of_source["expired"] = added(of_source.get("expired"), counted)
        return by_source


def _account(
    state: SourceState,
    complete_until: datetime | None,
    sums: Document,
    blobs: Mapping[str, Document],
    reviews: ReviewCounts,
    unsettled: Sequence[Document],
    gaps: Sequence[Gap],
) -> SourceAccount:
    counts: dict[str, Any] = {name: int(sums.get(name, 0)) for name in ("slices", *COUNTED)}
    # Where a slice whose page was lost does not know of its records, another one tells of them.
    counts["records"] = max(counts["records"], sum(counts[name] for name in _OF_RECORDS))
    lost = [gap for gap in gaps if gap.cause is GapCause.LOST]
    return SourceAccount(
        tenant=state.tenant,
        source=state.source,
        since=_since(sums.get("since"), state.requested, unsettled),
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
        unsettled=len(unsettled),
        blobs_fetched=int(sums.get("blobs", 0)),
        blobs_waiting=int(blobs.get("listed", {}).get("count", 0)),
        blobs_expired=int(blobs.get("expired", {}).get("count", 0)),
        dead_letters=reviews.of(state.source).get("letters", 0),
        dead_lettered=reviews.of(state.source).get("records", 0),
        waiting=reviews.waiting.get(state.source, 0),
        gaps=(
            *lost,
            *_of_blobs(blobs),
            *reviews.gaps(state.source),
            *(gap for gap in gaps if gap.cause is not GapCause.LOST),
        ),
        **counts,
    )


def _warming_up(account: SourceAccount, now: datetime) -> SourceAccount:
    """The account. What was listed of a subscription that warms up proves nothing of the time since it was started."""
    begun, until = account.subscribed_at, account.complete_until
    if begun is None or until is None or account.warms_up_until(now) is None:
        return account
    return replace(account, complete_until=min(until, begun))


def _held_back(state: SourceState, stretches: Iterable[Stretch]) -> SourceState:
    """The state, with a watermark that knows of these stretches: some may have been added since it was read."""
    if state.watermark is None:
        return state
    return replace(state, watermark=min([state.watermark, *(stretch.done_until for stretch in stretches)]))


def _since(
    own: datetime | None, requested: Sequence[tuple[datetime, datetime]], unsettled: Iterable[Document]
) -> datetime | None:
    """The day from which on all is collected. `own`: the day on which the source's own collection began, in it.

    What was asked for counts where it goes on until there without a hole, and from when on it is settled.
    """
    if own is None:
        return None
    since, begun = own, own + _DAY
    for start, end in reversed(requested):
        if end >= begun:
            since = begun = min(since, start)
    late: list[datetime] = [
        document["end"] for document in unsettled if document.get("again") and document["start"] < own
    ]
    return max([since, *(min(end, own) for end in late)]).replace(hour=0, minute=0, second=0, microsecond=0)


def _joined(before: Gap, gap: Gap, count: int) -> Gap:
    items = before.items + gap.items if before.items is not None and gap.items is not None else None
    end, detail = max(before.end, gap.end), f"{count:,} gaps that lie between these times"
    return replace(before, end=end, items=items, detail=detail)


def _closed(document: Document, totals: Document, at: datetime) -> dict[str, Any]:
    # One that was given up says nothing of its records, and what it published counts.
    retention = _RETENTION if document.get("records") or any(totals.values()) else _RETENTION_EMPTY
    return {
        **totals,
        "state": SliceState.SETTLED.value,
        "settled_at": at,
        "unsummed": True,
        "expire_at": at + retention,
    }


def lacks_pages(document: Document, seen: int) -> bool:
    """Whether the ledger does not know all pages of a slice, but `seen`.

    Some are forgotten, or it has not even heard of them: an older version noted only what was settled.
    """
    return seen < max(int(document.get("pages") or 0), int(document.get("seen", 0)))


def _behind(state: SourceState, stretches: Iterable[Stretch], now: datetime) -> Iterable[Gap]:
    """What is not fetched yet: what an outage left, and what lies before the live slices."""
    for stretch in stretches:
        yield Gap(GapCause.BEHIND, stretch.done_until, stretch.end, closable=True, detail=state.last_error)
    if state.position is not None and now - state.position > _BEHIND:
        yield Gap(GapCause.BEHIND, state.position, now, closable=True, detail=state.last_error)


def _of_blobs(blobs: Mapping[str, Document]) -> Iterable[Gap]:
    expired, waiting = blobs.get("expired"), blobs.get("listed")
    if expired:
        yield Gap(GapCause.EXPIRED, expired["first"], expired["last"], closable=False, items=expired["count"])
    if waiting is not None:
        dies = waiting["dies"]
        details = [f"the first of it expires at {dies:%Y-%m-%dT%H:%M:%SZ}"] if dies else []
        if reason := waiting["reason"]:
            details.append(f"some of it cannot be read: {reason}")
        detail = "; ".join(details) or None
        yield Gap(
            GapCause.WAITING, waiting["first"], waiting["last"], closable=True, items=waiting["count"], detail=detail
        )
