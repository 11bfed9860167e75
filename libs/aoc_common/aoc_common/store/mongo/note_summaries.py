"""What lists show of notes: the tags of events, and how many comments they have."""

from __future__ import annotations

from dataclasses import replace
from itertools import batched
from typing import TYPE_CHECKING

from aoc_common.store.mongo.client import BATCH_SIZE, Database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.contracts.event import StoredEvent


class NoteSummaries:
    """Reads `event_notes`."""

    def __init__(self, database: Database) -> None:
        self._notes = database["event_notes"]

    async def on(self, tenant: str, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """These events of a tenant, with what is noted on them. Raises the driver's errors."""
        noted = {}
        for some in batched(events, BATCH_SIZE):
            query = {"tenant": tenant, "_id": {"$in": [event.id for event in some]}}
            async for document in self._notes.find(query, {"tags": 1, "comments.id": 1}):
                noted[document["_id"]] = tuple(document.get("tags", ())), len(document.get("comments", ()))
        return [
            replace(event, note_tags=noted[event.id][0], comments=noted[event.id][1]) if event.id in noted else event
            for event in events
        ]
