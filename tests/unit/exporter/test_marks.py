"""What a replica that was killed may have sent is counted by who sends it again; what nobody can have sent is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aoc_common.contracts.publications import Position
from aoc_common.contracts.sink_states import Mark
from aoc_exporter.marks import AHEAD, ALERTS, EVENTS, RESTORED, Marks
from marking import MemorySinkMarks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_exporter.marks import Spot


@dataclass
class Bus:
    """The ends of its streams, and how often it was lost."""

    events: int = 0
    alerts: int = 0
    incarnation: str = "a"
    lost: int = 0

    async def heads(self) -> dict[str, Position]:
        return {EVENTS: Position(self.incarnation, self.events), ALERTS: Position("", self.alerts)}


@dataclass
class Sink:
    """Replicas of one sink."""

    bus: Bus = field(default_factory=Bus)
    store: MemorySinkMarks = field(default_factory=MemorySinkMarks)

    async def replica(self, name: str) -> Marks:
        marks = Marks("siem", self.store, name, self.bus.heads, lambda: self.bus.lost)
        await marks.begin()
        return marks


def spots(sequences: Iterable[int], lane: str = EVENTS, incarnation: str = "a") -> list[Spot]:
    return [(lane, Position(incarnation, sequence)) for sequence in sequences]


async def doubtful(marks: Marks, sequences: Iterable[int], lane: str = EVENTS, incarnation: str = "a") -> list[int]:
    return sorted(position.sequence for _, position in await marks.enter(spots(sequences, lane, incarnation)))


async def test_what_comes_for_the_first_time_is_no_copy_and_costs_a_write_for_many() -> None:
    sink = Sink()
    marks = await sink.replica("one")

    for first in range(1, AHEAD + 1, 100):
        sink.bus.events = first + 99
        assert await doubtful(marks, range(first, first + 100)) == []
    assert sink.store.writes == 1
    assert await doubtful(marks, [AHEAD + 101, AHEAD + 102]) == []
    assert sink.store.writes == 2


async def test_what_a_killed_replica_had_entered_is_counted_by_the_next_one_and_what_came_later_is_not() -> None:
    sink = Sink(Bus(events=30))
    await (await sink.replica("killed")).enter(spots(range(1, 21)))
    other = await sink.replica("next")

    # Nobody knows whether 21 to 30, which were there, had been entered, too: a mark is ahead.
    sink.bus.events = 50
    assert await doubtful(other, range(11, 41)) == [*range(11, 31)]


async def test_who_left_in_good_order_leaves_nothing_that_was_not_sent() -> None:
    sink = Sink(Bus(events=30))
    first = await sink.replica("left")
    await first.enter(spots(range(1, 21)))
    await first.leave()

    assert await doubtful(await sink.replica("next"), range(19, 41)) == [19, 20]


async def test_a_bus_that_was_away_may_have_forgotten_what_was_settled() -> None:
    sink = Sink(Bus(events=10))
    marks = await sink.replica("one")
    await marks.enter(spots(range(1, 11)))
    assert await doubtful(marks, range(6, 11)) == []

    sink.bus.lost = 1
    assert await doubtful(marks, range(6, 11)) == [*range(6, 11)]
    # Entered for another reason than that of another time.
    sink.bus.events = 20
    assert await doubtful(marks, range(11, 21)) == []


async def test_what_comes_from_the_store_is_counted_if_others_had_it_from_the_stream_or_the_store() -> None:
    sink = Sink(Bus(events=2 * AHEAD))
    killed = await sink.replica("killed")
    await killed.enter(spots([5]))
    other = await sink.replica("other")
    sink.bus.incarnation = "b"
    assert await doubtful(other, range(AHEAD, AHEAD + 10), RESTORED[EVENTS]) == [*range(AHEAD, AHEAD + 6)]

    # Of its own this replica knows better (`sent`).
    assert await doubtful(other, range(AHEAD + 6, AHEAD + 20), RESTORED[EVENTS]) == []
    third = await sink.replica("third")
    assert await doubtful(third, range(AHEAD + 10, AHEAD + 30), RESTORED[EVENTS]) == [*range(AHEAD + 10, AHEAD + 20)]


async def test_streams_are_marked_each_by_itself() -> None:
    sink = Sink(Bus(events=100, alerts=5))
    await (await sink.replica("killed")).enter(spots([3], ALERTS, ""))
    other = await sink.replica("next")

    assert await doubtful(other, range(1, 10)) == []
    assert await doubtful(other, range(1, 10), ALERTS, "") == [1, 2, 3, 4, 5]


async def test_marks_of_a_version_that_knew_no_incarnations_are_of_the_present_one() -> None:
    sink = Sink(Bus(alerts=9, incarnation="a"))
    await sink.store.put("siem", Mark("old", EVENTS, Position("", 1_004)))
    sink.bus.events = 6
    replica = await sink.replica("new")

    assert await doubtful(replica, range(1, 10)) == [*range(1, 7)]
