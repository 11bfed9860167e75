"""Work that only one process may do at a time, and that another takes over when that one was killed."""

from __future__ import annotations

from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from pymongo.errors import DuplicateKeyError

from aoc_common.store.mongo.client import Database, translated

if TYPE_CHECKING:
    from datetime import datetime

#: How long it is held by whoever says nothing any more.
_LASTS: Final = timedelta(seconds=60)


class MongoLease:
    """The right to do one work, a document of `upgrades`. Each instance is a holder of its own."""

    def __init__(self, database: Database, work: str) -> None:
        self._leases = database["upgrades"]
        self._id = f"lease {work}"
        self._holder = token_hex(8)

    async def take(self, now: datetime) -> bool:
        """Take it, or keep it for another minute; False when another holds it. Raises `Transient`."""
        free = {"$or": [{"holder": self._holder}, {"until": {"$lte": now}}, {"until": {"$gt": now + 2 * _LASTS}}]}
        held = {"$set": {"holder": self._holder, "until": now + _LASTS}}
        with translated("upgrades"):
            try:
                await self._leases.update_one({"_id": self._id, **free}, held, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    async def give_back(self) -> None:
        """Let others have it. Raises `Transient`."""
        with translated("upgrades"):
            await self._leases.delete_one({"_id": self._id, "holder": self._holder})
