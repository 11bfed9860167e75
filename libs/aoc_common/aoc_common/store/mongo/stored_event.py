"""From a document of `events` or `event_versions` to the event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from aoc_common.contracts.event import StoredEvent
from aoc_common.store.mongo.events import page_of

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Document


def stored(document: Document) -> StoredEvent:
    """The event of a document."""
    unmapped = document.get("unmapped")
    return StoredEvent(
        id=document["_id"],
        tenant=document["tenant"],
        source=document["source"],
        time=document["time"],
        service=document["service"],
        operation=document["operation"],
        result=document["result"],
        actor=document.get("actor"),
        ip=document.get("ip"),
        correlation_id=document.get("correlation_id"),
        tags=tuple(document.get("tags", ())),
        ocsf=document["event"],
        unmapped=orjson.loads(unmapped) if unmapped else {},
        raw=document.get("raw"),
        page=page_of(document),
        twin_of=document.get("twin_of"),
        twin=document.get("twin"),
        version=document["number"] if "number" in document else document.get("version", 1),
        versions=document.get("versions", 1),
    )
