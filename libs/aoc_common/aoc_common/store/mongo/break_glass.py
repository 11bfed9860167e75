"""The `break_glass` collection."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pymongo import DESCENDING

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.break_glass import Lift
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from datetime import datetime

_LISTED: Final = timedelta(days=366)
#: Of one principal over one tenant.
_MOST_IN_FORCE: Final = 100


class MongoBreakGlass:
    """`BreakGlassStore` over `break_glass`."""

    def __init__(self, database: Database) -> None:
        self._lifts = database["break_glass"]

    async def begin(self, lift: Lift) -> None:
        """From now on it is in force."""
        document = {
            "_id": lift.id,
            "tenant": check_tenant(lift.tenant),
            "principal": lift.principal,
            "principal_name": lift.principal_name,
            "reason": lift.reason,
            "began_at": lift.began_at,
            "ends_at": lift.ends_at,
            "ended_at": lift.ended_at,
            "ended_by": lift.ended_by,
            "forget_at": lift.ends_at + _LISTED,
        }
        with translated("break_glass"):
            await self._lifts.insert_one(document)

    async def end(self, tenant: str, lift_id: str, at: datetime, by: str) -> Lift | None:
        """It is in force no more: as it is now; None when there is none that is."""
        running = {"tenant": check_tenant(tenant), "_id": lift_id, "ended_at": None, "ends_at": {"$gt": at}}
        with translated("break_glass"):
            changed = await self._lifts.update_one(running, {"$set": {"ended_at": at, "ended_by": by}})
        return await self.get(tenant, lift_id) if changed.modified_count else None

    async def in_force(self, tenant: str, principal: str, now: datetime) -> list[Lift]:
        """Those of a principal over a tenant that have not ended."""
        wanted = {"tenant": check_tenant(tenant), "principal": principal, "ends_at": {"$gt": now}, "ended_at": None}
        with translated("break_glass"):
            found = await self._lifts.find(wanted).limit(_MOST_IN_FORCE).to_list(None)
        return [_lift(document) for document in found]

    async def get(self, tenant: str, lift_id: str) -> Lift | None:
        """One of a tenant's."""
        with translated("break_glass"):
            document = await self._lifts.find_one({"tenant": check_tenant(tenant), "_id": lift_id})
        return None if document is None else _lift(document)

    async def listed(self, tenant: str, principal: str | None, most: int) -> list[Lift]:
        """The newest of a tenant, of one principal only if that is given."""
        wanted = {"tenant": check_tenant(tenant)} | ({} if principal is None else {"principal": principal})
        with translated("break_glass"):
            found = await self._lifts.find(wanted).sort("began_at", DESCENDING).limit(most).to_list(None)
        return [_lift(document) for document in found]


def _lift(document: Document) -> Lift:
    return Lift(
        id=document["_id"],
        tenant=document["tenant"],
        principal=document["principal"],
        principal_name=document["principal_name"],
        reason=document["reason"],
        began_at=document["began_at"],
        ends_at=document["ends_at"],
        ended_at=document["ended_at"],
        ended_by=document["ended_by"],
    )
