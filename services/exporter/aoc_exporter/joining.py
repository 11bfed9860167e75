"""Tenants that join a sink at work: what was published of them a moment ago comes from the store.

Which tenants a sink has taken in stands in the store, and not only in the filter of its consumer: that is gone when
somebody deletes the consumer or the stream, and a tenant that joins just then would begin with what comes next.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.sink_states import Stretch, behind_key
from aoc_common.contracts.sinks import document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_common.bus.readers import Log
    from aoc_common.clock import Clock
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.publications import Position
    from aoc_common.contracts.sink_states import SinkState
    from aoc_common.contracts.sinks import SinkSettings
    from aoc_common.store.sink_states import SinkStateStore
    from aoc_exporter.behind import Behind

#: A tenant that joins a sink is sent what was published since then: its settings took a moment to be known.
JOINED: Final = timedelta(minutes=10)
#: Who lets a tenant join works on it: another replica may not have these settings yet.
_LEASE: Final = timedelta(seconds=60)


class Joining:
    """Lets tenants join one sink. `tenants`: those that it has by these settings; None: all."""

    def __init__(
        self, sink: SinkSettings, tenants: frozenset[str] | None, states: SinkStateStore, behind: Behind, replica: str
    ) -> None:
        self._sink = sink
        self._tenants = tenants
        self._states = states
        self._behind = behind
        self._replica = replica

    def new(self, before: frozenset[str] | None) -> frozenset[str]:
        """The tenants that were not there `before`; None: that is not known."""
        return frozenset() if before is None else (self._tenants or frozenset()) - before

    async def leaves_out(self, tenants: Iterable[str]) -> bool:
        """Whether the sink has some of these by settings that this replica has not yet. Raises `Transient`."""
        if self._tenants is None or self._tenants.issuperset(tenants):
            return False
        return await self.before() != self._tenants

    async def let_in(self, before: frozenset[str] | None, log: Log[EventMessage], clock: Clock) -> None:
        """Have the events of those join that were not there `before` (None: not known). Raises `Transient`."""
        new = self.new(before)
        if not new or (begin := await log.since(clock.now() - JOINED)) is None:
            return
        for tenant in sorted(new):
            key = behind_key(self._sink.name, tenant)
            there = next((one for one in self._behind.stretches if one.key == key), None)
            made = _joined(Stretch(key, self._sink.name, tenant, begin, begin, why="it joined the sink"), there, begin)
            await self._behind.put(replace(made, owner=self._replica, owner_until=clock.now() + _LEASE))

    async def done(self) -> None:
        """They are in: the consumer has their events. Raises `Transient`."""
        await self._states.take_in(self._sink.name, self._tenants)

    async def before(self) -> frozenset[str] | None:
        """The tenants that were taken in; None where that is not known. Raises `Transient`."""
        state = await self._state()
        return None if state is None else state.taken_in

    async def current(self) -> bool:
        """Whether these are the sink's settings: one that is not told of a tenant yet would leave its events out."""
        state = await self._state()
        return state is not None and state.settings == document(self._sink)

    async def _state(self) -> SinkState | None:
        return next((state for state in await self._states.all() if state.name == self._sink.name), None)


def _joined(made: Stretch, there: Stretch | None, begin: Position) -> Stretch:
    """What is stored: a tenant that is behind since before goes on from there."""
    if there is None:
        return made
    if there.phase != "done" and there.position <= begin:
        return replace(there, phase="open")
    return replace(made, revision=there.revision)
