"""How collectors share rate limits, over `rate_shares`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import DuplicateKeyError

from aoc_common.store.mongo.client import Database, translated
from aoc_common.store.shares import Allocation, Allocations

if TYPE_CHECKING:
    from collections.abc import Collection

_RETENTION: Final = timedelta(days=1)


class MongoShares:
    """`ShareStore` over `rate_shares`."""

    def __init__(self, database: Database) -> None:
        self._shares = database["rate_shares"]

    async def read(self, limit: str) -> Allocations:
        """The allocations of a limit."""
        with translated("shares"):
            document = await self._shares.find_one({"_id": limit})
        if document is None:
            return Allocations()
        members = {
            name: Allocation(member["units"], member["wants"], member["beat"])
            for name, member in document["members"].items()
        }
        return Allocations(document["version"], members)

    async def write(  # see `ShareStore`
        self, limit: str, version: int, member: str, allocation: Allocation, lost: Collection[str], at: datetime
    ) -> bool:
        """Set one allocation and drop others, if nobody was faster."""
        written_allocation = {"units": allocation.units, "wants": allocation.demand, "beat": allocation.beat}
        update: dict[str, Any] = {
            "$set": {f"members.{member}": written_allocation, "version": version + 1, "expire_at": at + _RETENTION},
        }
        if lost:
            update["$unset"] = {f"members.{name}": "" for name in lost}
        with translated("shares"):
            try:
                written = await self._shares.update_one({"_id": limit, "version": version}, update, upsert=not version)
            except DuplicateKeyError:
                return False
        return bool(written.matched_count or written.upserted_id is not None)
