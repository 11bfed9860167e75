"""Line 11: what the mappers make of a record is what the one says who made it up, by books that know no mapper."""

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
def told():
    """(source, operation, facts, names of the actor, event) of every record of a small world."""
    world = create_app(SimSettings(events=4000, live_rate=0), ManualClock(ANCHOR)).state.world
    found = []
    for slug, tenant in world.tenants.items():
        known = Identities(tenant.directory)
        for source, lane in tenant.lanes.items():
            context = RecordContext(slug, source, ANCHOR)
            for entry in lane.entries:
                names = known.names(entry.facts, entry.body)
                found.append((entry, names, normalise(entry.body, context)))
    assert len(found) == 4000
    return found


def unlike(told, said, true):
    """(source, operation) -> how many records of it are told otherwise than they are."""
    return Counter(
        (entry.source, entry.facts.operation, said(event), str(true(entry)))
        for entry, _, event in told
        if said(event) != true(entry)
    )


def test_every_record_has_the_result_that_it_had(told) -> None:
    assert not unlike(told, lambda event: event.result, lambda entry: entry.facts.result)


def test_every_record_has_the_class_of_its_operation(told) -> None:
    assert not unlike(told, lambda event: event.class_uid, lambda entry: CLASSES[entry.facts.kind])


def test_every_record_has_its_operation(told) -> None:
    assert not unlike(told, lambda event: plain(event.operation), lambda entry: plain(entry.facts.operation))


def test_every_record_has_its_time_to_the_millisecond(told) -> None:
    assert not unlike(told, lambda event: event.time_ms, lambda entry: entry.at_us // 1000)


def test_every_record_keeps_its_text_to_the_letter(told) -> None:
    assert not unlike(told, lambda event: event.raw.encode(), lambda entry: entry.body)


def test_every_record_names_whoever_acted(told) -> None:
    strangers = [(entry.source, event.actor, names) for entry, names, event in told if event.actor not in names]

    assert not strangers


def test_most_actors_have_a_name_that_nobody_else_has(told) -> None:
    # Otherwise the test above could not fail.
    of_people = [names for _, names, _ in told if any("@" in name for name in names)]

    assert len(of_people) > 3000
    assert len({tuple(names) for names in of_people}) > 100
