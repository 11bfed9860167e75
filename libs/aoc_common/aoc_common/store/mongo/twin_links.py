"""Whether the links of twins hold: no link may leave an action without an event that stands for itself.

Every `twin_of` must lead to a stored event of the same tenant and of the same result, which is published, has no
`twin_of` itself, and whose `twin` leads back: so links are one to one. An operators' tool, over all tenants; what it
reads is bounded by what it is told, newest events first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import batched
from typing import TYPE_CHECKING, Final
from uuid import UUID

from aoc_common.contracts import ids
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.events import page_of
from aoc_common.store.review_queues import ItemState

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from datetime import datetime

#: Events that are read at once, a few fields of each. The local server reads the whole range for each such part of it.
_BATCH: Final = 20_000
#: How long a page may be in work before its events count as unpublished.
_IN_WORK: Final = timedelta(minutes=10)
#: Pages of each kind that are looked at: waiting ones, oldest first, and given up ones.
_PAGES: Final = 10_000
_HIGHEST: Final = UUID(int=(1 << 128) - 1)
_FIELDS: Final = dict.fromkeys(("tenant", "result", "twin_of", "twin", "forgotten", "page", "raw_seq"), 1)
#: Results that contradict each other.
_KNOWN: Final = frozenset({"success", "failure", "partial"})


class LinkFault(StrEnum):
    """What is wrong with a link, from the view of its second event."""

    GONE = "the event that stands for it is not stored"
    SECOND = "the event that stands for it is a second one itself"
    ELSEWHERE = "the event that stands for it names another twin, or none"
    TENANT = "the event that stands for it is another tenant's"
    RESULT = "the event that stands for it tells of another result"
    UNPUBLISHED = "the event that stands for it was not published"


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A second event, whose twin it says it is, and what is wrong with that."""

    tenant: str
    second: UUID
    first: UUID
    fault: LinkFault


@dataclass(frozen=True, slots=True)
class LinkReport:
    """`events` were looked at, of which `links` say that another one stands for them.

    `before`: where to go on: all younger events were looked at. None when there are no older ones in the time asked.
    """

    events: int = 0
    links: int = 0
    broken: tuple[BrokenLink, ...] = ()
    before: UUID | None = None


class MongoTwinLinks:
    """Checks links. Reads only."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._pages = database["ledger_pages"]
        self._letters = database["dead_letters"]

    async def check(
        self,
        now: datetime,
        *,
        most: int,
        since: datetime | None = None,
        before: UUID | None = None,
        published: Container[UUID] | None = None,
    ) -> LinkReport:
        """Check the links of the `most` newest events, of those since `since` and older than `before`.

        `published`: the ids that stand in AOC_EVENTS, where they are known. Otherwise an event counts as unpublished
        while the page that stored it waits for more than ten minutes or was given up. Raises `Unreachable`.
        """
        waiting = await self._unpublished(now) if published is None else frozenset()
        at = before or _HIGHEST
        seen = links = 0
        broken: list[BrokenLink] = []
        low = ids.lowest_id(since) if since is not None else UUID(int=0)
        while seen < most:
            events = await self._older(at, low, min(_BATCH, most - seen))
            if not events:
                return LinkReport(seen, links, tuple(broken))
            seconds = [event for event in events if "twin_of" in event]
            firsts = await self._named(event["twin_of"] for event in seconds)
            broken += _broken(seconds, firsts, waiting, published)
            seen, links, at = seen + len(events), links + len(seconds), events[-1]["_id"]
        return LinkReport(seen, links, tuple(broken), at)

    async def _older(self, before: UUID, low: UUID, most: int) -> list[Document]:
        query = {"_id": {"$lt": before, "$gte": low}}
        with translated("twins"):
            return await self._events.find(query, _FIELDS).sort("_id", -1).limit(most).to_list(None)

    async def _named(self, ids: Iterable[UUID]) -> dict[UUID, Document]:
        documents: dict[UUID, Document] = {}
        with translated("twins"):
            for some in batched(set(ids), BATCH_SIZE):
                async for document in self._events.find({"_id": {"$in": list(some)}}, _FIELDS):
                    documents[document["_id"]] = document
        return documents

    async def _unpublished(self, now: datetime) -> frozenset[str]:
        """Pages that nobody is done with although there was time, and those that were given up."""
        late = {"waiting_since": {"$lte": now - _IN_WORK}}
        lost = {"state": {"$in": [ItemState.OPEN.value, ItemState.DISCARDED.value, ItemState.EXPIRED.value]}}
        unpublished: set[str] = set()
        with translated("twins"):
            async for page in self._pages.find(late, {"page": 1}).sort("waiting_since", 1).limit(_PAGES):
                unpublished.add(str(page.get("page", "")))
            async for letter in self._letters.find(lost, {"settled_by": 1}).limit(_PAGES):
                unpublished.add(str(letter.get("settled_by", "")))
        return frozenset(unpublished - {""})


def _broken(
    seconds: Iterable[Document],
    firsts: dict[UUID, Document],
    waiting: Container[str],
    published: Container[UUID] | None,
) -> Iterator[BrokenLink]:
    for second in seconds:
        first = firsts.get(second["twin_of"])
        if (fault := _fault(second, first, waiting, published)) is not None:
            yield BrokenLink(second["tenant"], second["_id"], second["twin_of"], fault)


def _fault(
    second: Document, first: Document | None, waiting: Container[str], published: Container[UUID] | None
) -> LinkFault | None:
    if first is None or "forgotten" in first:
        return LinkFault.GONE
    if first["tenant"] != second["tenant"]:
        return LinkFault.TENANT
    if "twin_of" in first:
        return LinkFault.SECOND
    if first.get("twin") != second["_id"]:
        return LinkFault.ELSEWHERE
    if first["result"] != second["result"] and _KNOWN.issuperset((first["result"], second["result"])):
        return LinkFault.RESULT
    out = first["_id"] in published if published is not None else page_of(first) not in waiting
    return None if out else LinkFault.UNPUBLISHED
