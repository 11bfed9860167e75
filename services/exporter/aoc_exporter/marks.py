"""How far a sink may have been sent by whoever ran it, which outlasts them: so that what goes again is counted.

What JetStream hands out a second time it says itself, but for three cases: a nats-server that was killed has forgotten
what it handed out and what was settled, a stream or a consumer that is made anew begins at a checkpoint, and what the
stream has dropped comes from the store. A replica that runs on knows what it has sent (`sent`); one that was killed
does not. So before a replica sends, it notes how far that may reach, some way ahead, which bounds what it costs.

Whatever lies within marks when a replica begins, or when its connection to the bus was away, may be at the destination
already, and counts once more as it is sent. What was published later was sent by nobody. So an account says more than
there is by `AHEAD` at most for each such moment, and never less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Mark

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aoc_common.store.sink_marks import SinkMarkStore

#: Messages that a mark is ahead of what is sent.
AHEAD: Final = 1_000
EVENTS: Final = "events"
ALERTS: Final = "alerts"
AUDIT: Final = "audit"
#: The lane of what a stream has dropped, and comes from the store.
RESTORED: Final = {EVENTS: "restored", ALERTS: "alerts restored", AUDIT: "audit restored"}
_DELIVERED: Final = {restored: lane for lane, restored in RESTORED.items()}

type Spot = tuple[str, Position]
"""A lane, and a place in it."""


class Marks:
    """Of one sink at work. `heads`: the ends of streams now, by lane. `connections`: how often the bus was lost."""

    def __init__(
        self,
        sink: str,
        store: SinkMarkStore,
        replica: str,
        heads: Callable[[], Awaitable[Mapping[str, Position]]],
        connections: Callable[[], int],
    ) -> None:
        self._sink = sink
        self._store = store
        self._replica = replica
        self._heads = heads
        self._connections = connections
        self._seen: int | None = None
        self._doubtful: dict[str, Position] = {}
        self._marked: dict[str, Position] = {}
        self._reached: dict[str, Position] = {}

    async def begin(self) -> None:
        """Before anything is sent. Raises `Transient`."""
        await self._store.prune(self._sink)
        await self._doubt()

    async def enter(self, spots: Iterable[Spot]) -> frozenset[Spot]:
        """Note that these are about to be sent; those that may be there already. Raises `Transient`."""
        wanted = frozenset(spots)
        if self._seen != self._connections():
            await self._doubt()
        for lane in {lane for lane, _ in wanted}:
            await self._mark(lane, max(position for one, position in wanted if one == lane))
            if lane in _DELIVERED:  # behind the mark: of two replicas that send at once, at least one sees the other
                await self._doubt_restored(lane)
        nowhere = Position("", 0)
        return frozenset(spot for spot in wanted if spot[1] <= self._doubtful.get(spot[0], nowhere))

    async def leave(self) -> None:
        """All that was in work is settled: what was not reached was not sent. Raises `Transient`."""
        for lane, position in self._reached.items():
            await self._store.put(self._sink, Mark(self._replica, lane, position))

    async def _mark(self, lane: str, position: Position) -> None:
        if lane not in self._marked or position > self._marked[lane]:
            # A hole is filled by one replica at a time, batch by batch.
            ahead = 0 if lane in _DELIVERED else AHEAD
            mark = Position(position.incarnation, position.sequence + ahead)
            await self._store.put(self._sink, Mark(self._replica, lane, mark))
            self._marked[lane] = mark
        self._reached[lane] = max(position, self._reached.get(lane, position))

    async def _doubt(self) -> None:
        """What lies within marks now, and is published, may have been sent."""
        seen, heads = self._connections(), await self._heads()
        for mark in await self._store.of(self._sink):
            if (head := heads.get(mark.lane)) is not None:
                # A version before this one knew no incarnations of AOC_ALERTS and AOC_AUDIT.
                marked = Position(mark.position.incarnation or head.incarnation, mark.position.sequence)
                until = min(marked, head)
                self._doubtful[mark.lane] = max(until, self._doubtful.get(mark.lane, until))
        self._seen = seen

    async def _doubt_restored(self, lane: str) -> None:
        """What others had from the stream, or restored. What this replica has restored, it knows (`sent`)."""
        others = [
            mark.position
            for mark in await self._store.of(self._sink)
            if mark.lane in {lane, _DELIVERED[lane]} and mark.replica != self._replica
        ]
        if others:
            self._doubtful[lane] = max(others)
