"""`ExactTimes` over `events`: an id holds the time and a hash of the record, of which only the time differs.

The record's own id is a search term, so the index over terms leads to it. Whether there is any such event is a document
of `upgrades`: where all sign-ins come by one interface, nothing is looked for.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import batched
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.ids import second_of
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import BATCH_SIZE, translated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from aoc_common.store.mongo.client import Database

_ID: Final = "exact-times"


class MongoExactTimes:
    """See `ExactTimes`."""

    def __init__(self, database: Database) -> None:
        self._events = database["events"]
        self._upgrades = database["upgrades"]
        self._noted = False

    async def note(self) -> None:
        """Such events are going to be stored. Idempotent; until then nothing is looked for."""
        if not self._noted:
            with translated("upgrades"):
                await self._upgrades.update_one({"_id": _ID}, {"$setOnInsert": {"any": True}}, upsert=True)
            self._noted = True

    async def stored(self, events: Mapping[UUID, tuple[str, str]]) -> dict[UUID, UUID]:
        """Id of an event at a whole second -> id of the event of the same record within that second, if one is stored.

        `events`: id -> tenant, and a search term of the record's own id.
        """
        if not events or not await self._any():
            return {}
        by_tenant: dict[str, dict[UUID, str]] = defaultdict(dict)
        for identity, (tenant, term) in events.items():
            by_tenant[tenant][identity] = term
        exact: dict[UUID, UUID] = {}
        for tenant, of_tenant in by_tenant.items():
            for together in batched(of_tenant.items(), BATCH_SIZE):
                exact |= await self._of_tenant(check_tenant(tenant), dict(together))
        return exact

    async def _any(self) -> bool:
        if not self._noted:
            with translated("upgrades"):
                self._noted = await self._upgrades.find_one({"_id": _ID}) is not None
        return self._noted

    async def _of_tenant(self, tenant: str, events: Mapping[UUID, str]) -> dict[UUID, UUID]:
        of_second = {second_of(identity): identity for identity in events}
        having = {"tenant": tenant, "terms": {"$in": list(dict.fromkeys(events.values()))}}
        exact: dict[UUID, UUID] = {}
        with translated("events"):
            async for document in self._events.find(having, {"_id": 1}):
                identity: UUID = document["_id"]
                whole = of_second.get(second_of(identity))
                if whole is not None and whole != identity:
                    exact[whole] = identity
        return exact
