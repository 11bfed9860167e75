"""The links that are made, against the simulator's truth: thousands of records, in any order of arrival."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest

from aoc_common.clock import SystemClock
from aoc_common.contracts.twins import Candidate
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.twins.linker import Twins
from aoc_sim.faults import FaultDice
from aoc_sim.settings import SimSettings
from aoc_sim.timeline import World
from manual_clock import ManualClock
from memory import MemoryTwins
from thoroughness import THOROUGH

#: What is linked grows with their number, and so does the time that it takes.
EVENTS = 8_000 if THOROUGH else 4_000
NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def history():
    """Events that can have a twin, in order of time, and the true pairs of their ids."""
    settings = SimSettings(live_rate=0, events=EVENTS)
    world = World(settings, ManualClock(NOW), FaultDice(settings.starting_faults(), settings.seed))
    events, marked = [], {}
    for slug, tenant in world.tenants.items():
        for lane in tenant.lanes.values():
            for entry in lane.entries:
                event = normalise(entry.body, RecordContext(slug, entry.source, NOW))
                if event.twin_facts is not None:
                    events.append((entry.ready_us, event))
                if entry.twin is not None:
                    marked.setdefault((slug, entry.twin), []).append(event.id)
    truth = {frozenset(both) for both in marked.values() if len(both) == 2}
    alike = Counter((event.twin_facts.digest, event.twin_facts.lane) for _, event in events)
    assert sum(count > 1 for count in alike.values()) > 30, "actions that could be taken for one another"
    return [event for _, event in sorted(events, key=lambda one: one[0])], truth


async def linked(events, size) -> set[frozenset]:
    store = MemoryTwins()
    resolver = Twins(store, lambda _tenant: "graph", SystemClock())
    told = {}
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        store.insert(*(Candidate(one.id, one.tenant, one.time_ms, one.twin_facts) for one in batch))
        told |= await resolver.seconds([(one, f"p{start}", False) for one in batch])

    assert told == store.twin_of
    # No action is left without an event that stands for itself.
    assert told.keys().isdisjoint(told.values())
    assert len(set(told.values())) == len(told)
    return {frozenset(both) for both in told.items()}


@pytest.mark.slow
@pytest.mark.parametrize("order", ["as it came", "backwards", "shuffled", "graph first", "unified first"])
async def test_every_link_is_true_and_next_to_none_is_missing(history, order) -> None:
    events, truth = list(history[0]), history[1]
    if order == "backwards":
        events.reverse()
    elif order == "shuffled":
        Random(7).shuffle(events)
    elif order != "as it came":
        events.sort(key=lambda one: (one.twin_facts.lane == "graph") != (order == "graph first"))
    found = await linked(events, 40)

    assert len(truth) > EVENTS / 20
    assert found - truth == set()
    assert len(found & truth) >= 0.99 * len(truth)
