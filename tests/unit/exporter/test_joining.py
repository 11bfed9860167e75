"""Tenants that join a sink begin a little while ago, whatever became of its consumer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import SinkHealth, SinkState, Stretch
from aoc_common.contracts.sinks import document, read_sink
from aoc_exporter.behind import Behind
from aoc_exporter.joining import Joining
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

CLOCK = ManualClock()
SINK = read_sink({"name": "siem", "kind": "folder", "include": {"tenants": ["contoso", "fabrikam"]}})
BEGIN, BEFORE, BEHIND = Position("i", 50), Position("i", 20), Position("i", 90)


class Store:
    """What replicas share: one sink's state and its stretches; and a log that begins at `BEGIN`."""

    def __init__(self, taken_in: frozenset[str] | None, *stretches: Stretch) -> None:
        self.state = SinkState("siem", 0, "file", document(SINK), CLOCK.now(), SinkHealth("running"), taken_in)
        self.stretches = {stretch.key: stretch for stretch in stretches}

    async def all(self) -> Sequence[SinkState]:
        return [self.state]

    async def take_in(self, name: str, tenants: frozenset[str] | None) -> None:
        assert name == "siem"
        self.state = replace(self.state, taken_in=tenants)

    async def of(self, sink: str) -> Sequence[Stretch]:
        assert sink == "siem"
        return [*self.stretches.values()]

    async def put(self, stretch: Stretch) -> Stretch | None:
        there = self.stretches.get(stretch.key)
        if stretch.revision != (there.revision if there else 0):
            return None
        self.stretches[stretch.key] = replace(stretch, revision=stretch.revision + 1)
        return self.stretches[stretch.key]

    async def since(self, moment: datetime) -> Position:
        assert moment < CLOCK.now()
        return BEGIN

    def shown(self, settings: Mapping[str, Any]) -> None:
        self.state = replace(self.state, settings=settings)


async def joined(store: Store, before: frozenset[str] | None) -> Joining:
    behind = Behind("siem", store, CLOCK)
    await behind.refresh()
    joining = Joining(SINK, frozenset({"contoso", "fabrikam"}), store, behind, "replica-1")
    await joining.let_in(before, store, CLOCK)
    return joining


async def test_who_joins_is_known_from_the_store_and_is_kept_for_the_replica_that_knows_of_it() -> None:
    store = Store(frozenset({"contoso"}))
    joining = await joined(store, await (await joined(store, None)).before())
    await joining.done()

    [stretch] = store.stretches.values()
    assert (stretch.tenant, stretch.since, stretch.position, stretch.phase) == ("fabrikam", BEGIN, BEGIN, "open")
    assert stretch.owner == "replica-1"
    assert stretch.owner_until > CLOCK.now()
    assert await joining.before() == frozenset({"contoso", "fabrikam"})


async def test_a_tenant_that_is_behind_since_before_goes_on_from_there_and_one_that_was_done_begins_anew() -> None:
    behind = Stretch("siem/fabrikam", "siem", "fabrikam", BEFORE, BEFORE, phase="closing", revision=3)
    done = replace(behind, position=BEHIND, phase="done")
    further = replace(done, phase="open")

    for there, begins in ((behind, BEFORE), (done, BEGIN), (further, BEGIN)):
        store = Store(None, there)
        await joined(store, frozenset({"contoso"}))
        [stretch] = store.stretches.values()
        assert (stretch.since, stretch.position, stretch.phase) == (begins, begins, "open")


async def test_a_replica_with_other_settings_leaves_what_is_late_alone() -> None:
    store = Store(None)
    joining = await joined(store, None)
    assert await joining.current()

    store.shown({"name": "siem", "kind": "folder", "include": {"tenants": ["contoso"]}})
    assert not await joining.current()
