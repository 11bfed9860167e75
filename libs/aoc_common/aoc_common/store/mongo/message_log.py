"""The `alert_publications` and `audit_publications` collections: a document for each message, as it was published.

Keys are `{incarnation}/{sequence}/{message id}`, so they sort as the stream does, incarnation by incarnation. A server
that has lost the end of its stream gives a sequence again: then two messages have one place, and both are kept.
"""

from __future__ import annotations

from itertools import batched, groupby
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING
from pymongo.errors import BulkWriteError

from aoc_common.contracts import subjects
from aoc_common.contracts.alert_message import ID_HEADER
from aoc_common.contracts.publications import END, Position, PublishedMessage, Range
from aoc_common.contracts.reading import Portion
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.events import duplicates
from aoc_common.store.mongo.publications import RETENTION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.reading import EventFilter

#: Stream -> where its messages are, and where what is to be published on it waits.
_COLLECTIONS: Final = {
    subjects.ALERTS_STREAM: ("alert_publications", "alerts"),
    subjects.AUDIT_STREAM: ("audit_publications", "audit_heads"),
}
#: Sequences whose keys are looked at for one portion.
_WINDOW: Final = 2_000
#: Messages that are fetched together, and bodies that are held at a time, about.
_TOGETHER: Final = 50
_MOST_BYTES: Final = 8 * 1024**2


class MongoMessageLog:
    """`MessageLog` of one stream."""

    def __init__(self, database: Database, stream: str) -> None:
        name, waiting = _COLLECTIONS[stream]
        self._log = database[name]
        self._waiting = database[waiting]

    async def note(self, messages: Sequence[PublishedMessage]) -> None:
        """One write for all. What is noted already stays as it was."""
        if not messages:
            return
        with translated("message log"):
            try:
                await self._log.insert_many([_document(message) for message in messages], ordered=False)
            except BulkWriteError as error:
                duplicates(error.details)

    async def portion(
        self, after: Position, upto: Position, event_filter: EventFilter, limit: int
    ) -> Portion[PublishedMessage]:
        """Of the messages of others only the keys are read. Messages of one place are never parted."""
        keys, whole = await self._keys(after, upto)
        wanted = [key for key, tenant in keys if not event_filter.tenants or tenant in event_filter.tenants]
        messages, missing, last = await self._messages(wanted, limit)
        if last is None and not whole:
            last = keys[-1][0]
        end = None if last is None else _position(last)
        noted = [_position(key) for key, _ in keys]
        incarnation = noted[0].incarnation if noted else after.incarnation
        return Portion(messages, incarnation, end, missing, _lacking(after, upto, noted, end))

    async def since(self, moment: datetime) -> Position | None:
        """By the order of expiry: when it was noted, by the publishers' clocks."""
        with translated("message log"):
            document = await self._log.find_one(
                {"expire_at": {"$gte": moment + RETENTION}},
                {"_id": 1},
                sort=[("expire_at", ASCENDING), ("_id", ASCENDING)],
            )
        return None if document is None else _before(document["_id"])

    async def unsettled(self, before: datetime) -> bool:  # noqa: ARG002  # what waits does not say since when
        """Whether anything waits to be published: it may have been, and not be noted yet."""
        with translated("message log"):
            return await self._waiting.find_one({"waiting": True}, {"_id": 1}) is not None

    async def _keys(self, after: Position, upto: Position) -> tuple[list[tuple[str, str]], bool]:
        """The next keys of one incarnation, each with whose message it is, and whether these are all up to there.

        Window by window: the local server reads all that a query matches before it sorts.
        """
        window = min(Position(after.incarnation, after.sequence + _WINDOW), upto)
        keys = await self._between(after, window)
        if not keys and window < upto:
            with translated("message log"):
                first = await self._log.find_one(_within(window, upto), {"_id": 1}, sort=[("_id", ASCENDING)])
            if first is None:
                return [], True
            begin = _before(first["_id"])
            window = min(Position(begin.incarnation, begin.sequence + _WINDOW), upto)
            keys = await self._between(begin, window)
        return keys, window >= upto

    async def _between(self, after: Position, upto: Position) -> list[tuple[str, str]]:
        with translated("message log"):
            found = self._log.find(_within(after, upto), {"tenant": 1}).sort("_id", ASCENDING)
            return [(one["_id"], one["tenant"]) for one in await found.to_list(None)]

    async def _messages(self, keys: Sequence[str], limit: int) -> tuple[list[PublishedMessage], int, str | None]:
        """What these say, of so many places; how many are gone since; and the last one, where there are more."""
        places = [list(of_place) for _, of_place in groupby(keys, key=_position)]
        messages: list[PublishedMessage] = []
        size = missing = done = 0
        for some in batched(places[:limit], _TOGETHER):
            ids = [key for of_place in some for key in of_place]
            with translated("message log"):
                found = await self._log.find({"_id": {"$in": ids}}).to_list(None)
            messages += [_message(document) for document in sorted(found, key=lambda one: str(one["_id"]))]
            missing += len(ids) - len(found)
            size += sum(len(document["body"]) for document in found)
            done += len(some)
            if size >= _MOST_BYTES or done == limit:
                return messages, missing, ids[-1] if done < len(places) else None
        return messages, missing, None


def _lacking(after: Position, upto: Position, noted: Sequence[Position], end: Position | None) -> tuple[Range, ...]:
    """Sequences that nobody has noted, up to `end`; None: up to where it was to be read.

    What an incarnation held behind the last one that is noted of it, nobody can say.
    """
    gaps: list[Range] = []
    seen = after
    ends = [Position(upto.incarnation, upto.sequence + 1)] if end is None and upto.sequence < END else []
    for place in [*(one for one in noted if end is None or one <= end), *ends]:
        before = seen.sequence if place.incarnation == seen.incarnation else 0
        if place.sequence > before + 1:
            gaps.append(Range(place.incarnation, before + 1, place.sequence - 1))
        seen = place
    return tuple(gaps)


def _key(position: Position) -> str:
    return f"{position.incarnation}/{position.sequence:016d}"


def _within(after: Position, upto: Position) -> Document:
    begin, end = (Position(one.incarnation, one.sequence + 1) for one in (after, upto))
    return {"_id": {"$gte": _key(begin), "$lt": _key(end)}}


def _position(key: str) -> Position:
    name, sequence, _ = key.split("/", 2)
    return Position(name, int(sequence))


def _before(key: str) -> Position:
    place = _position(key)
    return Position(place.incarnation, place.sequence - 1)


def _document(message: PublishedMessage) -> Document:
    return {
        "_id": f"{_key(Position(message.incarnation, message.sequence))}/{message.carried.get(ID_HEADER, '')}",
        "tenant": subjects.tenant_of_message(message.subject),
        "subject": message.subject,
        "headers": [[name, value] for name, value in message.carried.items()],
        "body": message.body,
        "expire_at": message.at + RETENTION,
    }


def _message(document: Document) -> PublishedMessage:
    place = _position(document["_id"])
    body: Any = document["body"]
    at = document["expire_at"] - RETENTION
    return PublishedMessage(
        place.incarnation, place.sequence, document["subject"], dict(document["headers"]), bytes(body), at
    )
