"""Twins of events whose ids move: the link follows, on both documents and in the claim.

The new document is there before anything points to it, and the old one stays until nothing does. So at whatever request
the process dies, `twin_of` leads to a stored event that stands for itself, and the next run does the rest.
"""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document
from aoc_common.store.mongo.events import duplicates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

_LINK: Final = ("twin_of", "twin")
_ENDS: Final = ("expire_at", "forget_at")
_READ: Final = dict.fromkeys((*_LINK, *_ENDS), 1)


class MovedTwins:
    """Moves links. Idempotent; raises what the driver raises."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._claims = database["twins"]

    async def follow(self, moved: Mapping[UUID, UUID]) -> tuple[dict[UUID, UUID], dict[UUID, Document]]:
        """Give the twins of moved events (old id -> new id, both stored) to their new ids.

        Returns those that may go now, and of each what its document said of its twin, as a filter: one that says
        something else by now must stay. An event whose new id is another one's twin already stays too.
        """
        before = await self._read(moved)
        after = await self._read(moved.values())
        going = {
            old: new
            for old, new in moved.items()
            if old in before
            and all(
                # Of a link that followed at an earlier try, the other one's old or new id stands there.
                name not in after[new] or _now(after[new][name], moved) == _now(before[old].get(name), moved)
                for name in _LINK
            )
        }
        await self._carry({old: before[old] for old in going}, after, going)
        await self._move_claims(going)
        links = {old: {name: before[old].get(name, {"$exists": False}) for name in _LINK} for old in going}
        return going, links

    async def _read(self, ids: Iterable[UUID]) -> dict[UUID, Document]:
        documents: dict[UUID, Document] = {}
        for some in batched(ids, BATCH_SIZE):
            async for document in self._events.find({"_id": {"$in": list(some)}}, _READ):
                documents[document["_id"]] = document
        return documents

    async def _carry(
        self, before: Mapping[UUID, Document], after: Mapping[UUID, Document], going: Mapping[UUID, UUID]
    ) -> None:
        """First the new documents, those that stand for others before those that do not; then who points to them."""
        firsts: list[Any] = []
        seconds: list[Any] = []
        others: list[Any] = []
        for old, link in before.items():
            new = going[old]
            if (second := link.get("twin")) is not None:
                ends = {name: link[name] for name in _ENDS if name in link and name in after[new]}
                firsts.append(UpdateOne({"_id": new}, {"$set": {"twin": _now(second, going)}, "$max": ends}))
                if second not in going:
                    others.append(UpdateOne({"_id": second, "twin_of": old}, {"$set": {"twin_of": new}}))
            if (first := link.get("twin_of")) is not None:
                seconds.append(UpdateOne({"_id": new}, {"$set": {"twin_of": _now(first, going)}}))
                if first not in going:
                    others.append(UpdateOne({"_id": first, "twin": old}, {"$set": {"twin": new}}))
        for writes in (firsts, seconds, others):
            if writes:
                await self._events.bulk_write(writes, ordered=False)

    async def _move_claims(self, going: Mapping[UUID, UUID]) -> None:
        """Give claims their new ids.

        The Graph event is a claim's `_id`, and no two claims have one unified event: so a claim whose Graph event
        moves is copied with the unified one in `moving`, deleted, and then the copy gets what is its.
        """
        for some in batched(going, BATCH_SIZE):
            ids = {"$in": list(some)}
            claims = await self._claims.find({"$or": [{"_id": ids}, {"unified": ids}]}).to_list(None)
            stays = [claim for claim in claims if claim["_id"] not in going]
            if stays:
                moves = [
                    UpdateOne({"_id": claim["_id"], "unified": claim["unified"]}, _ids_now(claim, going))
                    for claim in stays
                ]
                await self._claims.bulk_write(moves, ordered=False)
            if copies := [_copy(claim, going) for claim in claims if claim["_id"] in going]:
                try:
                    await self._claims.insert_many(copies, ordered=False)
                except BulkWriteError as error:
                    duplicates(error.details)
                await self._claims.delete_many({"_id": ids})
            await self._finish({"_id": {"$in": [going[old] for old in some]}, "moving": {"$exists": True}})

    async def _finish(self, query: Document) -> None:
        copies = await self._claims.find(query).to_list(None)
        writes = [
            UpdateOne({"_id": copy["_id"]}, {"$set": {"unified": copy["moving"]}, "$unset": {"moving": ""}})
            for copy in copies
        ]
        try:
            if writes:
                await self._claims.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            # Somebody has claimed the unified event meanwhile: the documents say what is.
            lost = [copies[index]["_id"] for index in duplicates(error.details)]
            await self._claims.delete_many({"_id": {"$in": lost}, "moving": {"$exists": True}})


def _copy(claim: Document, going: Mapping[UUID, UUID]) -> Document:
    new = going[claim["_id"]]
    first = _now(claim["first"], going)
    return {**claim, "_id": new, "unified": new, "first": first, "moving": _now(claim["unified"], going)}


def _ids_now(claim: Document, going: Mapping[UUID, UUID]) -> Document:
    return {"$set": {name: _now(claim[name], going) for name in ("unified", "first")}}


def _now(event_id: UUID | None, moved: Mapping[UUID, UUID]) -> UUID | None:
    return event_id if event_id is None else moved.get(event_id, event_id)
