"""What collectors hold of limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import DuplicateKeyError

from aoc_common.store.mongo.client import Database, translated
from aoc_common.store.shares import Allocation, Allocations

if TYPE_CHECKING:
    from collections.abc import Collection

_KEEP: Final = timedelta(days=1)


class MongoShares:
    """`ShareStore` over `rate_shares`."""

    def __init__(self, database: Database) -> None:
        self._shares = database["rate_shares"]

    async def read(self, limit: str) -> Allocations:
        """The claims of a limit."""
        with translated("shares"):
            found = await self._shares.find_one({"_id": limit})
        if found is None:
            return Allocations()
        members = {name: Allocation(one["units"], one["wants"], one["beat"]) for name, one in found["members"].items()}
        return Allocations(found["version"], members)

    async def write(  # see `ShareStore`
        self, limit: str, version: int, member: str, claim: Allocation, gone: Collection[str], at: datetime
    ) -> bool:
        """Set one claim and drop others, if nobody was faster."""
        mine = {"units": claim.units, "wants": claim.demand, "beat": claim.beat}
        update: dict[str, Any] = {
            "$set": {f"members.{member}": mine, "version": version + 1, "expire_at": at + _KEEP},
        }
        if gone:
            update["$unset"] = {f"members.{one}": "" for one in gone}
        with translated("shares"):
            try:
                written = await self._shares.update_one({"_id": limit, "version": version}, update, upsert=not version)
            except DuplicateKeyError:
                return False
        return bool(written.matched_count or written.upserted_id is not None)
