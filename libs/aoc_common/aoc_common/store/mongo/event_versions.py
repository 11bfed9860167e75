"""The `event_versions` collection: what an event said at each time, and which of it stands in `events`.

A document is the event's document under `_id` `{event}:{number}`, with `event_id`, `number` and, from number 2 on,
`digest`. The server takes a number once, so two replicas never give one number to two versions. An event without a
second version, which is nearly every one, stands in `events` alone. There `version` and `versions` tell which one is
shown, of how many; they change by compare-and-set.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

import bson
from pymongo import ASCENDING, ReplaceOne, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts import ids
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import BATCH_SIZE, CODEC, Database, Document, translated
from aoc_common.store.mongo.event_outline import MongoOutline
from aoc_common.store.mongo.events import OPTIONAL, duplicates, page_of
from aoc_common.store.sightings import Adoption, Sighting
from aoc_common.store.versions import History, NewVersion, StoredVersion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

#: What a version has and an event has not; and the other way round.
OF_VERSION: Final = ("event_id", "number", "digest")
OF_EVENT: Final = ("version", "versions", "twin_of", "twin")
_LOOK: Final = dict.fromkeys(
    ("page", "raw_seq", "origin", "text", "versions", "forgotten", "event.metadata.logged_time"), 1
)
#: What stays when a damaged text is replaced by a whole one.
_STAYS: Final = ("_id", "page", "raw_seq", "expire_at", "forget_at")
#: `_id` in `upgrades` of when ids began to be made without regard to case; see `store.mongo.upgrade`.
FORMER_IDS: Final = "former ids"
#: For clocks that differ, and a normalizer of before that still had a page in work.
_MARGIN: Final = timedelta(days=1)
#: Most versions of an event that are listed at once.
_LISTED: Final = 200


def version_key(event: UUID, number: int) -> str:
    """`_id` of a version."""
    return f"{event}:{number}"


class MongoEventVersions:
    """`EventVersions` over `events` and `event_versions`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._upgrades = database["upgrades"]
        self._outline = MongoOutline(database)
        self._former_until: datetime | None = None

    async def former_until(self) -> datetime | None:
        """Events that happened later were never stored under a former id; None where the upgrade has not noted it."""
        if self._former_until is None:
            with translated("upgrades"):
                noted = await self._upgrades.find_one({"_id": FORMER_IDS})
            self._former_until = None if noted is None else noted["at"] + _MARGIN
        return self._former_until

    async def sightings(self, ids: Collection[UUID]) -> dict[UUID, Sighting]:
        """What is known of those of these events that are stored."""
        known: dict[UUID, Sighting] = {}
        with translated("events"):
            for some in batched(ids, BATCH_SIZE):
                async for document in self._events.find({"_id": {"$in": list(some)}}, _LOOK):
                    known[document["_id"]] = _sighting(document)
        return known

    async def adopt(self, adoptions: Sequence[Adoption]) -> None:
        """Two writes a collection: whoever is adopted again keeps the name under which it was published first."""
        for collection in (self._events, self._versions):
            writes = []
            for adoption in adoptions:
                version: Document = {"_id": version_key(adoption.event, adoption.number)}
                if collection is self._events:
                    version = {"_id": adoption.event, "version": _shown(adoption.number)}
                version |= {"page": adoption.origin}
                first = {"$set": {"page": adoption.page, "origin": adoption.origin}}
                writes.append(UpdateOne({**version, "origin": {"$exists": False}}, first))
                writes.append(UpdateOne(version, {"$set": {"page": adoption.page}}))
            if writes:
                with translated("events"):
                    await collection.bulk_write(writes)

    async def histories(self, ids: Collection[UUID]) -> dict[UUID, History]:
        """Those of these events that are stored, whole. The event is read first: what is shown is not newer than it."""
        with translated("events"):
            event_ids = list(ids)
            current = await self._events.find({"_id": {"$in": event_ids}, "forgotten": {"$exists": False}}).to_list(
                None
            )
            others = await self._versions.find({"event_id": {"$in": event_ids}}).to_list(None)
        of_event: dict[UUID, list[Document]] = {}
        for version in others:
            of_event.setdefault(version["event_id"], []).append(version)
        return {document["_id"]: _history(document, of_event.get(document["_id"], [])) for document in current}

    async def add(self, versions: Sequence[NewVersion]) -> None:
        """Store versions under their numbers, and the first of each event beside them."""
        documents: dict[str, Document] = {}
        for version in versions:
            history = version.history
            if history.shown[0] not in history.stored:
                documents |= _copy(history)
            fresh = bson.decode(version.document, codec_options=CODEC)
            documents[version_key(history.event, version.number)] = _as_version(
                fresh, history.event, version.number, version.digest
            )
        await self._insert(documents)

    async def _insert(self, documents: Mapping[str, Document]) -> None:
        if not documents:
            return
        with translated("event_versions"):
            try:
                await self._versions.insert_many(list(documents.values()), ordered=False)
            except BulkWriteError as error:
                duplicates(error.details)

    async def show(self, current: Sequence[tuple[History, int]]) -> None:
        """Make a version of each of these events the current one, if nobody else has changed it since it was read.

        Its search terms are those of all its versions, and all stay as long as the one that stays longest: a version
        that went before the event would be a new one when it came again.
        """
        events = [history.event for history, _ in current]
        with translated("event_versions"):
            documents = await self._versions.find({"event_id": {"$in": events}}).to_list(None)
            extensions: list[Any] = []
            writes: list[Any] = []
            alone: dict[str, Document] = {}
            for history, number in current:
                versions = {
                    document["number"]: document for document in documents if document["event_id"] == history.event
                }
                if history.shown[0] not in versions:
                    # Of a write that was answered in part: the only copy of a version is not replaced.
                    alone |= _copy(history)
                # One that retention has removed meanwhile is not shown: the event is read again.
                elif number in versions:
                    stays = _stays([history.document, *versions.values()])
                    extensions.append(UpdateMany({"event_id": history.event}, stays))
                    document = _as_event(versions, number, history)
                    self._outline.note_document(document)
                    writes.append(ReplaceOne(_unchanged(history), document))
            await self._insert(alone)
            await self._outline.write()
            if writes:
                await self._versions.bulk_write(extensions, ordered=False)
                await self._events.bulk_write(writes, ordered=False)

    async def replace(self, repairs: Sequence[tuple[StoredVersion, bytes]]) -> None:
        """Put whole text in the place of damaged text of a version. Idempotent."""
        with translated("events"):
            for of in (self._events, self._versions):
                writes: list[Any] = []
                for version, encoded in repairs:
                    document = bson.decode(encoded, codec_options=CODEC)
                    values = {name: value for name, value in document.items() if name not in _STAYS}
                    self._outline.note_document(document)
                    key: Any = version.event if of is self._events else version_key(version.event, version.number)
                    gone = {name: "" for name in OPTIONAL if name not in values}
                    change = {"$set": values, "$unset": gone} if gone else {"$set": values}
                    writes.append(UpdateOne({"_id": key, "raw": version.raw}, change))
                await self._outline.write()
                if writes:
                    await of.bulk_write(writes, ordered=False)

    async def seen_earlier(self, sightings: Mapping[tuple[UUID, int], datetime]) -> None:
        """These versions were fetched before they were fetched as stored."""
        events: list[Any] = []
        versions: list[Any] = []
        for (event, number), at in sightings.items():
            change = {"$min": {"event.metadata.logged_time": ids.to_ms(at)}}
            shown = {"version": _shown(number), "forgotten": {"$exists": False}}
            events.append(UpdateOne({"_id": event, **shown}, change))
            versions.append(UpdateOne({"_id": version_key(event, number)}, change))
        if events:
            with translated("events"):
                await self._events.bulk_write(events, ordered=False)
                await self._versions.bulk_write(versions, ordered=False)

    async def of_event(self, tenant: str, event: UUID, after: int, hiding: Sequence[Document] = ()) -> list[Document]:
        """The documents of an event's next versions, the first first; none for an event that never changed.

        `hiding`: conditions without which none is read.
        """
        query: Document = {"event_id": event, "tenant": check_tenant(tenant), "number": {"$gt": after}}
        if hiding:
            query["$and"] = list(hiding)
        with translated("event_versions"):
            return await self._versions.find(query).sort("number", ASCENDING).limit(_LISTED).to_list(None)


def _shown(number: int) -> Any:
    """What `version` is where this version of an event is the current one."""
    return number if number > 1 else {"$in": [1, None]}


def _sighting(document: Document) -> Sighting:
    forgotten = "forgotten" in document
    return Sighting(
        page=page_of(document),
        text=document.get("text"),
        versions=document.get("versions", 1),
        fetched_ms=0 if forgotten else document["event"]["metadata"].get("logged_time", 0),
        forgotten=forgotten,
        origin=document.get("origin"),
    )


def _history(document: Document, others: Sequence[Document]) -> History:
    shown = document.get("version", 1)
    versions = {version["number"]: _version(document["_id"], version["number"], version) for version in others}
    stored = frozenset(versions)
    versions.setdefault(shown, _version(document["_id"], shown, document))
    return History(document["_id"], document, (shown, document.get("versions", 1)), versions, stored)


def _version(event: UUID, number: int, document: Document) -> StoredVersion:
    return StoredVersion(
        event=event,
        number=number,
        page=page_of(document),
        source=document["source"],
        raw=document["raw"],
        fetched=ids.from_ms(document["event"]["metadata"].get("logged_time", 0)),
        digest=document.get("digest"),
        origin=document.get("origin"),
    )


def _copy(history: History) -> dict[str, Document]:
    """The shown version of an event, as `event_versions` holds it, by its key."""
    number = history.shown[0]
    document = {name: value for name, value in history.document.items() if name not in OF_EVENT}
    digest = history.versions[number].digest
    return {version_key(history.event, number): _as_version(document, history.event, number, digest)}


def _as_version(document: Document, event: UUID, number: int, digest: str | None) -> Document:
    made = {**document, "_id": version_key(event, number), "event_id": event, "number": number}
    return made if digest is None else made | {"digest": digest}


def _as_event(versions: Mapping[int, Document], number: int, history: History) -> Document:
    version, before = versions[number], history.document
    made: Document = {name: value for name, value in version.items() if name not in OF_VERSION}
    made |= {name: before[name] for name in ("twin_of", "twin") if name in before}
    every = [version, before, *versions.values()]
    made["terms"] = list(dict.fromkeys(term for version in every for term in version["terms"]))
    made.pop("forget_at", None)
    made |= _stays(every)["$set"]
    return made | {"_id": history.event, "version": number, "versions": max(history.versions)}


def _stays(every: Sequence[Mapping[str, Any]]) -> Document:
    """The change by which content and id of an event or version stay as long as the longest of these."""
    content_until: datetime = max(version.get("forget_at", version["expire_at"]) for version in every)
    known: datetime = max(version["expire_at"] for version in every)
    if content_until == known:
        return {"$set": {"expire_at": known}, "$unset": {"forget_at": ""}}
    return {"$set": {"expire_at": known, "forget_at": content_until}}


def _unchanged(history: History) -> Document:
    """The event as it was read, in all that others write. An event without a second version has none of the fields."""
    document = history.document
    names = ("version", "versions", "twin_of", "twin", "page", "origin", "text")
    return {"_id": history.event, **{name: document.get(name) for name in names}}
