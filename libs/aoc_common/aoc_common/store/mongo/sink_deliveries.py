"""What sinks have delivered of a tenant, from `sink_states`, `sink_accounts` and `sink_stretches`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts.sink_states import COUNTED, SinkState, Tally, behind_key
from aoc_common.store.mongo.client import Database, translated
from aoc_common.store.mongo.sink_accounts import tally_of
from aoc_common.store.mongo.sink_states import MongoSinkStates
from aoc_common.store.sink_deliveries import SinkDelivery

if TYPE_CHECKING:
    from collections.abc import Sequence


class MongoSinkDeliveries:
    """`SinkDeliveries`: three reads, by id, however many tenants a sink has."""

    def __init__(self, database: Database) -> None:
        self._states = MongoSinkStates(database)
        self._accounts = database["sink_accounts"]
        self._stretches = database["sink_stretches"]

    async def of(self, tenant: str) -> Sequence[SinkDelivery]:
        """Of the sinks that read the tenant's events, or have an account of them, by name."""
        states = {behind_key(state.name, tenant): state for state in await self._states.all()}
        named = {"_id": {"$in": list(states)}}
        with translated("sink accounts"):
            tallies = {one["_id"]: tally_of(one) async for one in self._accounts.find({**named, "tenant": tenant})}
            late = {
                one["_id"]
                async for one in self._stretches.find({**named, "tenant": tenant}, {"phase": 1})
                if one["phase"] != "done"
            }
        return [
            _delivery(state, tallies.get(key, Tally()), behind=key in late)
            for key, state in states.items()
            if key in tallies or _reads(state, tenant)
        ]


def _reads(state: SinkState, tenant: str) -> bool:
    """Whether a sink is for the tenant. Of one that is for some, and whose reader was not set up yet: for none.

    What is for other tenants alone is none of this tenant's business, its name included.
    """
    if state.taken_in is not None:
        return tenant in state.taken_in
    include = state.settings.get("include") or {}
    return not (include.get("tenants") or include.get("groups"))


def _delivery(state: SinkState, tally: Tally, *, behind: bool) -> SinkDelivery:
    health = state.health
    return SinkDelivery(
        state.name,
        str(state.settings.get("kind", "")),
        health.life,
        state.seen_at,
        None if behind else health.delivered_until,
        behind,
        **{name: getattr(tally, name) for name in COUNTED},
    )
