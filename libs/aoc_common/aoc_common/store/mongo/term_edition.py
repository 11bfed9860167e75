"""How far stored events have the search terms of this version: one document of `upgrades`.

Terms are made when an event is stored. When they are made otherwise, `terms.EDITION` is raised, and events of before
are brought along by `aoc remap --terms`, newest first.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from aoc_common.contracts import ids, terms
from aoc_common.store.mongo.client import translated

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database, Document

_ID: Final = "terms"
#: Above every id: nothing is done.
TOP: Final = UUID(int=(1 << 128) - 1)
#: Seconds that an answer is believed.
_BELIEVED_S: Final = 20.0


class MongoTermEdition:
    """Reads and moves the position of `aoc remap --terms`."""

    def __init__(self, database: Database) -> None:
        self._upgrades = database["upgrades"]
        self._events = database["events"]
        self._read: tuple[float, UUID | None] | None = None

    async def begin(self) -> None:
        """Note that stored events are of an edition of before, or, where there are none, of this one. Idempotent."""
        with translated("upgrades"):
            document: Document | None = await self._upgrades.find_one({"_id": _ID})
            if document is not None and document["edition"] == terms.EDITION:
                return
            empty = await self._events.find_one({}, {"_id": 1}) is None
            change = {"edition": terms.EDITION, "position": None if empty else TOP}
            await self._upgrades.update_one({"_id": _ID}, {"$set": change}, upsert=True)

    async def position(self) -> UUID | None:
        """Events from this id on have the terms of this edition; None: all have. Where nobody noted: none."""
        with translated("upgrades"):
            document: Document | None = await self._upgrades.find_one({"_id": _ID, "edition": terms.EDITION})
        position: UUID | None = TOP if document is None else document["position"]
        self._read = (time.monotonic(), position)
        return position

    async def move(self, position: UUID | None) -> None:
        """Events from this id on, or all of them, have the terms of this edition."""
        with translated("upgrades"):
            await self._upgrades.update_one({"_id": _ID, "edition": terms.EDITION}, {"$set": {"position": position}})

    async def is_complete(self) -> bool:
        """Whether all events have the terms of this edition. What was read a moment ago is believed."""
        if self._read is None or time.monotonic() - self._read[0] > _BELIEVED_S:
            await self.position()
        return self._read is not None and self._read[1] is None

    async def incomplete_before(self) -> datetime | None:
        """Before which time a search may miss events; None when it misses none. At first that is the end of time."""
        if await self.is_complete() or self._read is None:
            return None
        return ids.complete_from(self._read[1]) or datetime.max.replace(tzinfo=UTC)
