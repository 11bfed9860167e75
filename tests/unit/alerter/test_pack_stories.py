"""Each attack of the simulator raises what it should by the pack, and a day's work of 200 people next to nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import orjson
import pytest

from aoc_common.contracts.rows import Row
from aoc_common.store.rules import StoredRule
from aoc_rules.catalogue import Catalogue, Written
from aoc_rules.evaluation.answers import Stretch, answer
from aoc_rules.evaluation.trial import CorrelationTest
from aoc_rules.pack import shipped_rules
from aoc_sim.inventory import build_directory
from aoc_sim.settings import DEFAULT_TENANTS
from aoc_sim.stories import ON_DEMAND, STORIES, raised_by, set_stage
from aoc_sim.stories.everyday import EPISODES
from aoc_sim.traffic import ActivityTimes, Traffic
from microsoft_records import event_of
from rule_pack import alerts, alerts_of, hits, pack
from thoroughness import THOROUGH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.contracts.event import Event
    from aoc_sim.records.base import Draft

DAY = datetime(2026, 11, 18, tzinfo=UTC)
MOST_ALERTS_A_DAY = 2


def told(seed: int, name: str, tenant: int, start: datetime = DAY + timedelta(hours=10)) -> list[Draft]:
    story = (STORIES | ON_DEMAND)[name]
    stage = set_stage(build_directory(DEFAULT_TENANTS[tenant], seed), start, 1.0, f"{seed}:{name}")
    return list(story.drafts(stage))


def test_each_story_raises_the_alerts_that_it_should_and_no_others() -> None:
    found, expected, by_record, marked = {}, {}, {}, {}
    for number, name in enumerate({**STORIES, **ON_DEMAND}):
        drafts = told(7, name, number % 2)
        events = [event_of(draft.body, draft.source) for draft in drafts]
        found[name], expected[name] = Counter(alert.name for alert in alerts(events)), raised_by(drafts)
        # What a story says of a Graph record is true of its twin as well.
        said = [place for place, draft in enumerate(drafts) if draft.twin is None or draft.source.startswith("graph-")]
        alone = set(pack().ids.values())
        by_record[name] = {(hit.name, place) for place in said for hit in hits(events[place]) if hit.name in alone}
        marked[name] = {(one.rule, place) for place in said for one in drafts[place].raises if one.rule in alone}

    assert found == expected
    assert by_record == marked
    assert sum(map(Counter.total, (expected[name] for name in STORIES))) >= 20


def day(seed: int, count: int) -> Iterator[Draft]:
    """A working day of a tenant: what people do, twins among it, a journey, newcomers, licences for everybody."""
    rng = Random(f"day:{seed}")
    directory = build_directory(DEFAULT_TENANTS[0], seed)
    traffic = Traffic(directory, twins=0.5, near=0.1)
    for at in ActivityTimes(directory, DAY, DAY + timedelta(days=1)).moments(count, rng):
        yield from traffic.drafts(at, rng, room=8)
    for name in EPISODES:
        yield from told(seed, name, 0, DAY + timedelta(hours=rng.uniform(7, 14)))


def quiet(seed: int, count: int) -> None:
    found = alerts_of(hit for draft in day(seed, count) for hit in hits(event_of(draft.body, draft.source)))

    assert len(found) <= MOST_ALERTS_A_DAY, Counter(alert.name for alert in found)


def test_some_hours_of_work_raise_two_alerts_at_most() -> None:
    quiet(0, 600)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(20) if THOROUGH else range(1))
def test_a_day_of_two_hundred_people_raises_two_alerts_at_most(seed) -> None:
    assert DEFAULT_TENANTS[0].people == 200

    quiet(seed, 6_000)


def test_a_back_test_of_each_correlation_of_the_pack_finds_the_alerts_that_stories_raise() -> None:
    catalogue, found, expected = Catalogue(shipped_rules(), home=True), Counter(), Counter()
    correlations = [one for one in catalogue.inventory({}, DAY).entries.values() if one.correlation]
    tried = {one.name: catalogue.tried(Written(one.id, {one.id: StoredRule(one.id)}), {}, DAY) for one in correlations}
    for name in STORIES:
        drafts = told(7, name, 0)
        events = [event_of(draft.body, draft.source) for draft in drafts]
        expected.update({(name, one): count for one, count in raised_by(drafts).items() if one in tried})
        for file, rules in tried.items():
            test = CorrelationTest(rules, events[0].tenant)
            test.add_all((row, row.ocsf) for event in events for row in [row_of(event)])
            asyncio.run(test.evaluate(DAY + timedelta(days=2), lambda: True))
            found.update({(name, file): count} if (count := answer(test, Stretch(DAY, DAY)).alerts) else {})

    assert found == expected
    assert len(tried) >= 10
    assert {file for _, file in found} >= {"mass-download", "password-spray", "many-devices-wiped"}


def row_of(event: Event) -> Row:
    return Row(
        event.id, event.tenant, event.source, event.operation, orjson.loads(event.message()), event.service,
        event.actor, event.ip,
    )  # fmt: skip
