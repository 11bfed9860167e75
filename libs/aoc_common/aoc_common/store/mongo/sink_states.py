"""The `sink_states` collection: the place of each sink on the bus, and how it fares."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from aoc_common.contracts.sink_states import SinkHealth, SinkState
from aoc_common.contracts.sinks import MOST_SINKS
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.sink_states import Origin, Runner

#: A replica says each second how a sink fares.
_LATELY: Final = timedelta(seconds=30)


class MongoSinkStates:
    """`SinkStateStore` over `sink_states`. An index keeps two sinks from one place."""

    def __init__(self, database: Database) -> None:
        self._states = database["sink_states"]

    async def all(self) -> Sequence[SinkState]:
        """Every sink that has a place, by name."""
        with translated("sink states"):
            return [_state(document) async for document in self._states.find().sort("_id", ASCENDING)]

    async def place(self, name: str, origin: Origin, settings: Mapping[str, Any], at: datetime) -> SinkState | None:
        """The sink's place: the first that is free, if it has none."""
        # Rates are told again within a second, by those replicas that are still there.
        shown = {"origin": origin, "settings": dict(settings), "seen_at": at, "rates": {}}
        while True:
            with translated("sink states"):
                await self._states.update_one({"_id": name}, {"$set": shown})
                if (document := await self._states.find_one({"_id": name})) is not None:
                    return _state(document)
                taken = {one["slot"] async for one in self._states.find({}, {"slot": 1})}
                free = next((slot for slot in range(MOST_SINKS) if slot not in taken), None)
                if free is None:
                    return None
                health = asdict(SinkHealth("starting"))
                try:
                    await self._states.insert_one({"_id": name, "slot": free, "health": health, **shown})
                except DuplicateKeyError:
                    continue  # another replica was quicker: at this sink, or this place

    async def tell(self, name: str, health: SinkHealth, at: datetime, runner: Runner | None = None) -> bool:
        """Say how it fares; whether it still has a place, or its runner's."""
        query: Document = {"_id": name}
        said: Document = {"health": asdict(health), "seen_at": at}
        if runner is not None:
            query["slot"] = runner.slot
            said[f"rates.{runner.replica}"] = {"per_s": health.per_s, "at": at}
        with translated("sink states"):
            return bool((await self._states.update_one(query, {"$set": said})).matched_count)

    async def take_in(self, name: str, tenants: frozenset[str] | None) -> None:
        """Note whose events the sink reads from now on."""
        with translated("sink states"):
            listed = None if tenants is None else sorted(tenants)
            await self._states.update_one({"_id": name}, {"$set": {"taken_in": listed}})

    async def free(self, name: str) -> None:
        """Its place is free again."""
        with translated("sink states"):
            await self._states.delete_one({"_id": name})


def _state(document: Document) -> SinkState:
    return SinkState(
        document["_id"],
        document["slot"],
        document["origin"],
        document["settings"],
        document["seen_at"],
        SinkHealth(**document["health"]),
        None if document.get("taken_in") is None else frozenset(document["taken_in"]),
        sum(one["per_s"] for one in document.get("rates", {}).values() if document["seen_at"] - one["at"] < _LATELY),
    )
