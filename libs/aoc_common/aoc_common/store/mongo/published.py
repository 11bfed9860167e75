"""Stored events as they were published: the same subject, headers and body, made by the same code.

The body is what the store says of the event now: mapped again, or with a name that was learnt since, it is that. A
version that is not shown any more is delivered as it is kept in `event_versions`. What was shortened to fit a message
is delivered whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from pymongo import DESCENDING

from aoc_common.contracts import ids, terms
from aoc_common.contracts.event import PackedEvent, Version, full_event
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.publications import Position
from aoc_common.store.mongo.client import Database, Document, translated
from aoc_common.store.mongo.event_versions import version_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

type Entry = tuple[Position, str, str]
"""Where a message stood, its `Nats-Msg-Id`, and its tenant."""

_FIELDS: Final = dict.fromkeys(
    (
        "tenant", "source", "service", "time", "class_uid", "operation", "event", "unmapped", "raw", "terms", "version",
        "twin_of",
    ),
    1,
)  # fmt: skip
_VERSION_FIELDS: Final = _FIELDS | {"event_id": 1, "number": 1, "digest": 1}
#: How often an event is looked for under yet another id. Each is another version of AOC that mapped it again.
_MOVES: Final = 8


class PublishedEvents:
    """Reads `events`, `event_versions` and `moved_events`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._versions = database["event_versions"]
        self._moved = database["moved_events"]

    async def messages(self, entries: Sequence[Entry]) -> list[EventMessage | None]:
        """The message of each of these, at most 50; None for one that is stored no more."""
        tenants = {tenant for _, _, tenant in entries}
        owner: Document = {"tenant": next(iter(tenants))} if len(tenants) == 1 else {}
        parted = [(position, *_parted(message_id)) for position, message_id, _ in entries]
        with translated("events"):
            now, documents = await self._current({event for _, event, _ in parted}, owner)
            versions = await self._stored_versions(
                {
                    (now[event], digest)
                    for _, event, digest in parted
                    if digest is not None or documents.get(now[event], {}).get("version", 1) > 1
                },
                owner,
            )
        messages: list[EventMessage | None] = []
        for position, event, digest in parted:
            current = documents.get(now[event])
            document = versions.get((now[event], digest))
            if document is None and digest is None and current is not None and current.get("version", 1) == 1:
                document = current
            second = current.get("twin_of") if current is not None else None
            messages.append(None if document is None else _message(now[event], document, second, position))
        return messages

    async def tenant_of(self, event: UUID) -> str | None:
        """Whose event it is; None when it is stored no more."""
        with translated("events"):
            document = await self._events.find_one({"_id": event}, {"tenant": 1})
        return None if document is None else document["tenant"]

    async def newest(self, tenants: Collection[str]) -> str | None:
        """The id of an event of one of these tenants, or of any, that happened lately; None when there is none."""
        query: Document = {"tenant": {"$in": sorted(tenants)}} if tenants else {}
        with translated("events"):
            document = await self._events.find_one(
                {**query, "raw": {"$exists": True}}, {"_id": 1}, sort=[("_id", DESCENDING)]
            )
        return None if document is None else str(document["_id"])

    async def _current(self, ids: Collection[UUID], owner: Document) -> tuple[dict[UUID, UUID], dict[UUID, Document]]:
        """The present id of each event, and its document where it is stored whole."""
        now = {event: event for event in ids}
        documents: dict[UUID, Document] = {}
        sought = set(ids)
        for _ in range(_MOVES):
            async for document in self._events.find({**owner, "_id": {"$in": list(sought)}}, _FIELDS):
                documents[document["_id"]] = document
            sought -= documents.keys()
            if not sought:
                break
            moved = {
                document["_id"]: document["to"]
                async for document in self._moved.find({"_id": {"$in": list(sought)}}, {"to": 1})
            }
            if not moved:
                break
            now = {event: moved.get(present, present) for event, present in now.items()}
            sought = set(moved.values()) - documents.keys()
        return now, {event: document for event, document in documents.items() if "raw" in document}

    async def _stored_versions(
        self, versions: Collection[tuple[UUID, str | None]], owner: Document
    ) -> dict[tuple[UUID, str | None], Document]:
        """Versions by event and digest; the first has none."""
        if not versions:
            return {}
        documents: dict[tuple[UUID, str | None], Document] = {}
        later = {event for event, digest in versions if digest is not None}
        first = [version_key(event, 1) for event, digest in versions if digest is None]
        for query in ({"event_id": {"$in": list(later)}}, {"_id": {"$in": first}}):
            async for document in self._versions.find({**owner, **query}, _VERSION_FIELDS):
                documents[document["event_id"], document.get("digest")] = document
        return documents


def _parted(message_id: str) -> tuple[UUID, str | None]:
    event, _, digest = message_id.partition(":")
    return UUID(event), digest or None


def _message(event: UUID, document: Mapping[str, Any], twin_of: UUID | None, position: Position) -> EventMessage:
    digest = document.get("digest")
    unmapped = document.get("unmapped")
    packed = PackedEvent(
        event,
        document["tenant"],
        document["source"],
        ids.to_ms(document["time"]),
        document["class_uid"],
        document["operation"],
        document=b"",
        body=full_event(document["event"], {} if unmapped is None else orjson.loads(unmapped), document["raw"]),
        position=-1,
        text="",
        understood=terms.NOT_UNDERSTOOD not in document.get("terms", ()),
        service=document["service"],
    )
    version = None if digest is None else Version(document["number"], digest)
    return EventMessage.of(packed, version, twin_of, position.sequence)
