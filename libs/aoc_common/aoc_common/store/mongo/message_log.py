"""The `alert_publications` and `audit_publications` collections: a document for each message, as it was published.

Keys are `{incarnation}/{sequence}`, so they sort as the stream does, incarnation by incarnation.
"""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING
from pymongo.errors import BulkWriteError

from aoc_common.contracts import subjects
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
        """Of the messages of others only the keys are read."""
        keys, whole = await self._keys(after, upto)
        wanted = [key for key, tenant in keys if not event_filter.tenants or tenant in event_filter.tenants]
        incarnation = _position(keys[0][0]).incarnation if keys else after.incarnation
        # Those of one incarnation, up to where all keys are known.
        chosen = [key for key in wanted if _position(key).incarnation == incarnation][:limit]
        messages, missing, last = await self._messages(chosen)
        if last is None and len(chosen) < len(wanted):
            last = chosen[-1] if chosen and len(chosen) == limit else _last_of(keys, incarnation)
        if last is None and not whole:
            last = keys[-1][0]
        end = None if last is None else _position(last)
        lacking = _lacking(after, upto, [_position(key) for key, _ in keys], end)
        return Portion(messages, incarnation, end, missing, lacking)

    async def since(self, moment: datetime) -> Position | None:
        """By the order of expiry, which is that of the publishers' clocks."""
        with translated("message log"):
            document = await self._log.find_one(
                {"expire_at": {"$gte": moment + RETENTION}},
                {"_id": 1},
                sort=[("expire_at", ASCENDING), ("_id", ASCENDING)],
            )
        if document is None:
            return None
        first = _position(document["_id"])
        return Position(first.incarnation, first.sequence - 1)

    async def unsettled(self, before: datetime) -> bool:  # noqa: ARG002  # what waits does not say since when
        """Whether anything waits to be published: it may have been, and not be noted yet."""
        with translated("message log"):
            return await self._waiting.find_one({"waiting": True}, {"_id": 1}) is not None

    async def _keys(self, after: Position, upto: Position) -> tuple[list[tuple[str, str]], bool]:
        """The next keys, each with whose message it is, and whether these are all of them.

        Window by window: the local server reads all that a query matches before it sorts.
        """
        window = min(Position(after.incarnation, after.sequence + _WINDOW), upto)
        keys = await self._between(_key(after), _key(window))
        if not keys and window < upto:
            rest = {"_id": {"$gt": _key(window), "$lte": _key(upto)}}
            with translated("message log"):
                first = await self._log.find_one(rest, {"tenant": 1}, sort=[("_id", ASCENDING)])
            if first is None:
                return [], True
            begin = _position(first["_id"])
            window = min(Position(begin.incarnation, begin.sequence + _WINDOW), upto)
            keys = [(first["_id"], first["tenant"]), *await self._between(first["_id"], _key(window))]
        return keys, window >= upto

    async def _between(self, after: str, upto: str) -> list[tuple[str, str]]:
        with translated("message log"):
            found = self._log.find({"_id": {"$gt": after, "$lte": upto}}, {"tenant": 1}).sort("_id", ASCENDING)
            return [(one["_id"], one["tenant"]) for one in await found.to_list(None)]

    async def _messages(self, keys: Sequence[str]) -> tuple[list[PublishedMessage], int, str | None]:
        """What these say, how many are gone since, and the last one of them where that is not all."""
        messages: list[PublishedMessage] = []
        size = missing = 0
        for some in batched(keys, _TOGETHER):
            with translated("message log"):
                found = await self._log.find({"_id": {"$in": list(some)}}).to_list(_TOGETHER)
            messages += [_message(document) for document in sorted(found, key=lambda one: str(one["_id"]))]
            missing += len(some) - len(found)
            size += sum(len(document["body"]) for document in found)
            if size >= _MOST_BYTES and some[-1] != keys[-1]:
                return messages, missing, some[-1]
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


def _last_of(keys: Sequence[tuple[str, str]], incarnation: str) -> str:
    return max(key for key, _ in keys if _position(key).incarnation == incarnation)


def _key(position: Position) -> str:
    return f"{position.incarnation}/{position.sequence:016d}"


def _position(key: str) -> Position:
    name, _, sequence = key.partition("/")
    return Position(name, int(sequence))


def _document(message: PublishedMessage) -> Document:
    return {
        "_id": _key(Position(message.incarnation, message.sequence)),
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
