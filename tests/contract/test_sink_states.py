"""Where sinks stand on the bus, and whose events each reads, outlast whoever runs them."""

from __future__ import annotations

from datetime import UTC, datetime

from aoc_common.contracts.sink_states import SinkHealth
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.sink_states import MongoSinkStates

AT = datetime(2026, 11, 27, tzinfo=UTC)


async def test_the_tenants_that_a_sink_has_taken_in_stay_until_others_are_noted(database: Database) -> None:
    await ensure_indexes(database, ("sink_states",))
    states = MongoSinkStates(database)
    first = await states.place("siem", "file", {"kind": "folder"}, AT)
    await states.place("other", "store", {"kind": "folder"}, AT)
    assert first is not None
    assert (first.slot, first.taken_in) == (0, None)

    await states.take_in("siem", frozenset({"fabrikam", "contoso"}))
    # Other settings, and how it fares, change nothing of it.
    again = await states.place("siem", "file", {"kind": "folder", "options": {}}, AT)
    await states.tell("siem", SinkHealth("running"), AT)
    assert again is not None
    assert again.taken_in == {"contoso", "fabrikam"}
    assert {one.name: one.taken_in for one in await states.all()} == {
        "other": None, "siem": {"contoso", "fabrikam"},
    }  # fmt: skip

    await states.take_in("siem", None)
    assert {one.taken_in for one in await states.all()} == {None}
    await states.take_in("nobody", frozenset({"contoso"}))
    await states.free("siem")
    assert [(one.name, one.slot) for one in await states.all()] == [("other", 1)]
