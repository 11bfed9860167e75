"""The mappers agree with the facts of each record, which the simulator states without knowing any mapper."""

from __future__ import annotations

from collections import Counter

import pytest

from aoc_cli.verify.ground_truth import CLASSES, plain
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_sim.app import create_app
from aoc_sim.record_facts import Identities
from aoc_sim.samples import ANCHOR
from aoc_sim.settings import SimSettings
from manual_clock import ManualClock


@pytest.fixture(scope="module")
def mapped():
    """(source, operation, facts, names of the actor, event) of every record of a small world."""
    world = create_app(SimSettings(events=4000, live_rate=0), ManualClock(ANCHOR)).state.world
    rows = []
    for slug, tenant in world.tenants.items():
        known = Identities(tenant.directory)
        for source, lane in tenant.lanes.items():
            context = RecordContext(slug, source, ANCHOR)
            for entry in lane.entries:
                names = known.names(entry.facts, entry.body)
                rows.append((entry, names, normalise(entry.body, context)))
    assert len(rows) == 4000
    return rows


def unlike(mapped, stated, true):
    """(source, operation) -> how many of its records are mapped differently from their facts."""
    return Counter(
        (entry.source, entry.facts.operation, stated(event), str(true(entry)))
        for entry, _, event in mapped
        if stated(event) != true(entry)
    )


def test_every_record_has_the_result_that_it_had(mapped) -> None:
    assert not unlike(mapped, lambda event: event.result, lambda entry: entry.facts.result)


def test_every_record_has_the_class_of_its_operation(mapped) -> None:
    assert not unlike(mapped, lambda event: event.class_uid, lambda entry: CLASSES[entry.facts.kind])


def test_every_record_has_its_operation(mapped) -> None:
    assert not unlike(mapped, lambda event: plain(event.operation), lambda entry: plain(entry.facts.operation))


def test_every_record_has_its_time_to_the_millisecond(mapped) -> None:
    assert not unlike(mapped, lambda event: event.time_ms, lambda entry: entry.at_us // 1000)


def test_every_record_keeps_its_text_to_the_letter(mapped) -> None:
    assert not unlike(mapped, lambda event: event.raw.encode(), lambda entry: entry.body)


def test_every_record_names_whoever_acted(mapped) -> None:
    strangers = [(entry.source, event.actor, names) for entry, names, event in mapped if event.actor not in names]

    assert not strangers


def test_most_actors_have_a_name_that_nobody_else_has(mapped) -> None:
    # Otherwise the test above could not fail.
    of_people = [names for _, names, _ in mapped if any("@" in name for name in names)]

    assert len(of_people) > 3000
    assert len({tuple(names) for names in of_people}) > 100
