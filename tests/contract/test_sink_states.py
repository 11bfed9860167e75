"""Where sinks stand on the bus, and whose events each reads, outlast whoever runs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Runner, SinkHealth, Stretch, Tally, behind_key
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_deliveries import MongoSinkDeliveries
from aoc_common.store.mongo.sink_states import MongoSinkStates
from aoc_common.store.mongo.sink_stretches import MongoSinkStretches
from aoc_common.store.sink_deliveries import SinkDelivery

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
    for replica, per_s, ago_s in (("a", 7.5, 0), ("b", 2.0, 5), ("gone", 100.0, 60)):
        at = AT - timedelta(seconds=ago_s)
        assert await states.tell("siem", SinkHealth("running", per_s=per_s), at, Runner(0, replica))
    assert not await states.tell("siem", SinkHealth("broken"), AT, Runner(1, "a"))
    assert await states.tell("siem", SinkHealth("running"), AT)
    assert again is not None
    assert again.taken_in == {"contoso", "fabrikam"}
    assert {one.name: one.taken_in for one in await states.all()} == {
        "other": None, "siem": {"contoso", "fabrikam"},
    }  # fmt: skip

    assert {one.name: one.per_s for one in await states.all()} == {"other": 0.0, "siem": 9.5}
    await states.take_in("siem", None)
    assert {one.taken_in for one in await states.all()} == {None}
    await states.take_in("nobody", frozenset({"contoso"}))
    await states.free("siem")
    assert not await states.tell("siem", SinkHealth("running"), AT)
    assert [(one.name, one.slot) for one in await states.all()] == [("other", 1)]


async def test_what_is_delivered_of_a_tenant_is_read_from_each_sink_that_has_to_do_with_it(database: Database) -> None:
    await ensure_indexes(database, ("sink_states", "sink_accounts", "sink_stretches"))
    states, accounts, stretches = MongoSinkStates(database), MongoSinkAccounts(database), MongoSinkStretches(database)
    for name, tenants in (("all", None), ("left", {"fabrikam"}), ("new", {"contoso"}), ("theirs", {"fabrikam"})):
        await states.place(name, "store", {"kind": "splunk"}, AT)
        await states.take_in(name, None if tenants is None else frozenset(tenants))
        await states.tell(name, SinkHealth("running", delivered_until=AT), AT)
    # Sinks of others whose readers were not set up yet.
    for name, chosen in (("of fabrikam", {"tenants": ["fabrikam"]}), ("of a group", {"groups": ["eu"]})):
        await states.place(name, "store", {"kind": "splunk", "include": chosen}, AT)
    for name in ("all", "left"):
        await accounts.add(name, {"contoso": Tally(delivered=3, refused=1), "fabrikam": Tally(delivered=70)})
    start = Position("1", 5)
    behind = Stretch(behind_key("all", "contoso"), "all", "contoso", start, start, at=AT)
    stored = await stretches.put(behind)
    # Another tenant's, and one that somebody had sent again, say nothing of it.
    await stretches.put(replace(behind, key=behind_key("all", "fabrikam"), tenant="fabrikam"))
    await stretches.put(replace(behind, key="all//ticket"))
    deliveries = MongoSinkDeliveries(database)

    sent = SinkDelivery("all", "splunk", "running", AT, None, behind=True, delivered=3, refused=1)
    left, new = replace(sent, sink="left", behind=False, delivered_until=AT), SinkDelivery(
        "new", "splunk", "running", AT, AT, behind=False
    )  # fmt: skip
    assert await deliveries.of("contoso") == [sent, left, new]
    assert stored is not None
    await stretches.put(replace(stored, phase="done"))
    assert (await deliveries.of("contoso"))[0] == replace(sent, behind=False, delivered_until=AT)
    assert [one.sink for one in await deliveries.of("nobody")] == ["all"]
