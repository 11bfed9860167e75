"""The `event_notes` collection: a document for each event that somebody noted something on.

`_id` is the event's id, and `tags` are in an index with it: ids sort by time, so the events of a tag are found newest
first. A change is written if the document still has the `revision` that it was read with. `due_at`: when it is to be
seen whether the event is still there (`sweep`); notes live as long as their event does, whatever becomes of retention.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING, DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts.notes import MOST_COMMENTS, MOST_TAGS, Comment, Notes
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import NotFound, Unreachable
from aoc_common.store.event_notes import TagChange, Tagged, TooManyNotes
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, check_known, translated
from aoc_common.store.mongo.events import duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.clock import Clock

_CHECKED: Final = timedelta(days=1)
_SWEPT: Final = 500
#: Times that a change is tried while others change the same.
_TRIES: Final = 8

type Change = Callable[[UUID, Notes], Notes]
"""The notes of an event after a change; may raise what the caller is to be told."""


class MongoEventNotes:
    """`EventNotes` over `event_notes`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._notes = database["event_notes"]
        self._clock = clock

    async def get(self, tenant: str, event_id: UUID) -> Notes:
        """All of one event."""
        check_known(self._database)
        with translated("event notes"):
            document = await self._notes.find_one({"tenant": check_tenant(tenant), "_id": event_id})
        return Notes() if document is None else _notes(document)

    async def tag(self, tenant: str, event_ids: Sequence[UUID], change: TagChange) -> Tagged:
        """Change the tags of events."""
        full: dict[UUID, None] = {}

        def tagged(event_id: UUID, notes: Notes) -> Notes:
            tags = change.of(notes.tags)
            if len(tags) > max(MOST_TAGS, len(notes.tags)):
                full[event_id] = None
                return notes
            full.pop(event_id, None)
            return replace(notes, tags=tags)

        changed = 0
        for some in batched(event_ids, BATCH_SIZE):
            changed += await self._change(tenant, some, tagged)
        return Tagged(changed, tuple(full))

    async def comment(self, tenant: str, event_id: UUID, comment: Comment) -> None:
        """Add a comment."""

        def added(_: UUID, notes: Notes) -> Notes:
            if any(one.id == comment.id for one in notes.comments):
                return notes
            if len(notes.comments) >= MOST_COMMENTS:
                raise TooManyNotes(f"the event has {MOST_COMMENTS} comments")
            return replace(notes, comments=(*notes.comments, comment))

        await self._change(tenant, [event_id], added)

    async def edit(self, tenant: str, event_id: UUID, comment_id: str, text: str, at: datetime) -> Comment:
        """Give a comment another text."""
        edited: list[Comment] = []

        def changed(_: UUID, notes: Notes) -> Notes:
            edited[:] = [replace(_comment_of(notes, comment_id), text=text, edited_at=at)]
            comments = tuple(edited[0] if one.id == comment_id else one for one in notes.comments)
            return replace(notes, comments=comments)

        await self._change(tenant, [event_id], changed)
        return edited[0]

    async def remove(self, tenant: str, event_id: UUID, comment_id: str) -> None:
        """Remove a comment."""
        gone: list[Comment] = []

        def left(_: UUID, notes: Notes) -> Notes:
            # At the second look it is gone, by this very change.
            gone[:] = gone or [_comment_of(notes, comment_id)]
            return replace(notes, comments=tuple(one for one in notes.comments if one.id != comment_id))

        await self._change(tenant, [event_id], left)

    async def _change(self, tenant: str, event_ids: Sequence[UUID], change: Change) -> int:
        """Change the notes of at most `BATCH_SIZE` events; how many changed."""
        check_known(self._database)
        owner = {"tenant": check_tenant(tenant)}
        changed: set[UUID] = set()
        with translated("event notes"):
            for _ in range(_TRIES):
                query = {**owner, "_id": {"$in": list(event_ids)}}
                documents = {one["_id"]: one async for one in self._notes.find(query)}
                writes = []
                for event_id in event_ids:
                    document = documents.get(event_id, {})
                    before = _notes(document)
                    after = change(event_id, before)
                    if after != before:
                        changed.add(event_id)
                        writes.append(self._write({**owner, "_id": event_id}, document, after))
                if not writes:
                    return len(changed)
                try:
                    result = await self._notes.bulk_write(writes, ordered=False)
                    if result.matched_count + result.upserted_count == len(writes):
                        return len(changed)
                except BulkWriteError as error:
                    duplicates(error.details)
        raise Unreachable("event notes: others change the same events all the time")

    def _write(self, owner: Document, read: Document, notes: Notes) -> UpdateOne:
        values: Document = {"tags": list(notes.tags), "comments": [_document(one) for one in notes.comments]}
        if read:
            return UpdateOne({**owner, "revision": read["revision"]}, {"$set": values, "$inc": {"revision": 1}})
        values |= {"revision": 1, "due_at": self._clock.now() + _CHECKED}
        # Another one's insert makes this one a duplicate.
        return UpdateOne({**owner, "revision": 0}, {"$set": values}, upsert=True)


class NotesSweep:
    """Removes notes of events that are gone; run by who may. Methods may raise `Transient`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._notes = database["event_notes"]
        self._events = database["events"]
        self._clock = clock

    async def run(self) -> None:
        """Look after all that are due."""
        with translated("event notes"):
            while await self._some() == _SWEPT:
                pass

    async def _some(self) -> int:
        now = self._clock.now()
        query = {"due_at": {"$lte": now}}
        cursor = self._notes.find(query, {"_id": 1, "revision": 1}).sort("due_at", ASCENDING).limit(_SWEPT)
        due = await cursor.to_list(_SWEPT)
        writes: list[UpdateOne | DeleteOne] = []
        for some in batched(due, BATCH_SIZE):
            there = {"_id": {"$in": [one["_id"] for one in some]}, "forgotten": {"$exists": False}}
            kept = {event["_id"] async for event in self._events.find(there, {"_id": 1})}
            for one in some:
                if one["_id"] in kept:
                    writes.append(UpdateOne({"_id": one["_id"]}, {"$set": {"due_at": now + _CHECKED}}))
                else:
                    writes.append(DeleteOne({"_id": one["_id"], "revision": one["revision"]}))
        if writes:
            await self._notes.bulk_write(writes, ordered=False)
        return len(due)


async def move_notes(database: Database, moved: Mapping[UUID, UUID]) -> None:
    """Events have got other ids: their notes follow, before the old ones go. Repeatable. Raises the driver's errors."""
    notes = database["event_notes"]
    async for document in notes.find({"_id": {"$in": list(moved)}}):
        new = moved[document["_id"]]
        await notes.update_one({"_id": new}, {"$setOnInsert": {**document, "_id": new}}, upsert=True)
        await notes.delete_one({"_id": document["_id"]})


def _comment_of(notes: Notes, comment_id: str) -> Comment:
    for comment in notes.comments:
        if comment.id == comment_id:
            return comment
    raise NotFound(f"the event has no comment {comment_id}")


def _notes(document: Document) -> Notes:
    comments = (
        Comment(one["id"], one["author"], one["name"], one["at"], one["text"], one.get("edited_at"))
        for one in document.get("comments", ())
    )
    return Notes(tuple(document.get("tags", ())), tuple(comments))


def _document(comment: Comment) -> Document:
    made: Document = {
        "id": comment.id,
        "author": comment.author,
        "name": comment.name,
        "at": comment.at,
        "text": comment.text,
    }
    return made if comment.edited_at is None else {**made, "edited_at": comment.edited_at}
