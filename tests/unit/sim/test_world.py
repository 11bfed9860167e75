from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from aoc_sim.clock import from_us, to_us
from aoc_sim.stories import STORIES
from aoc_sim.truth import report


def entries(world):
    return [e for tenant in world.tenants.values() for lane in tenant.lanes.values() for e in lane.entries]


def keys(world):
    return [(e.source, e.key, e.at_us, e.ready_us, e.body) for e in entries(world)]


@pytest.mark.parametrize("events", [0, 1, 100, 3001])
def test_the_history_holds_exactly_as_many_distinct_records_as_asked(make_world, events):
    world = make_world(events=events)

    identities = {(e.source, e.key) for e in entries(world)}
    assert len(identities) == events
    assert report(world)["total"] == events


def test_the_same_seed_and_clock_make_the_same_world(make_world):
    assert keys(make_world(events=1500)) == keys(make_world(events=1500))


def test_another_seed_makes_another_world(make_world):
    assert keys(make_world(events=500)) != keys(make_world(events=500, seed=8))


def test_records_happen_within_the_history_and_appear_after_they_happened(make_world):
    world = make_world(events=2000, history_hours=6)
    now, start = to_us(world.started), to_us(world.started - timedelta(hours=6))

    # times on whole seconds, and a DLP match up to a minute before its undo, reach over the start
    assert all(start - 61_000_000 <= e.at_us <= now for e in entries(world))
    assert all(e.ready_us <= now for e in entries(world))
    assert sum(e.ready_us < e.at_us for e in entries(world)) == 0


def test_more_happens_in_working_hours_than_at_night(make_world):
    world = make_world(events=4000, history_hours=24, stories=[])
    zone = world.tenants["contoso"].directory.places[0].zone
    hours = Counter(
        from_us(e.at_us).astimezone(zone).hour for lane in world.tenants["contoso"].lanes.values() for e in lane.entries
    )

    day = sum(hours[h] for h in range(9, 17))
    night = sum(hours[h] for h in range(8))
    assert day > 4 * night


@pytest.mark.slow
def test_the_weekend_is_quiet(make_world):
    world = make_world(events=6000, history_hours=24 * 7, stories=[])
    days = Counter(from_us(e.at_us).weekday() for e in entries(world) if e.source.startswith("graph"))

    assert days[6] < days[2] / 2


@pytest.mark.slow
def test_non_interactive_sign_ins_are_the_most_and_five_times_the_interactive(make_world):
    counts = Counter(e.source for e in entries(make_world(events=6000, stories=[])))

    assert counts.most_common(1)[0][0] == "graph-signins-noninteractive"
    assert 3.5 < counts["graph-signins-noninteractive"] / counts["graph-signins"] < 7


def test_content_older_than_a_week_does_not_exist_because_nobody_could_fetch_it(make_world):
    world = make_world(events=2000, history_hours=24 * 20)
    oldest = min(blob.created_us for t in world.tenants.values() for f in t.feeds.values() for blob in f.blobs)

    assert oldest >= to_us(world.started - timedelta(days=7))
    assert min(e.at_us for e in entries(world)) < to_us(world.started - timedelta(days=15))


def test_every_management_record_is_in_a_blob_and_no_blob_is_empty(make_world):
    world = make_world(events=2000)
    for tenant in world.tenants.values():
        for source, feed in tenant.feeds.items():
            assert all(1 <= len(blob.entries) <= world.settings.pages.blob_records for blob in feed.blobs)
            assert {e.seq for b in feed.blobs for e in b.entries} == {e.seq for e in tenant.lanes[source].entries}
            assert all(e.ready_us == b.created_us for b in feed.blobs for e in b.entries)


@pytest.mark.slow
def test_stories_alternate_between_the_tenants_and_can_be_chosen(make_world):
    everything = make_world().story_records()
    two = make_world(stories=["device-wipe", "mass-download"]).story_records()

    assert set(everything) == set(STORIES)
    assert {slug for items in everything.values() for slug, _ in items} == {"contoso", "fabrikam"}
    assert set(two) == {"device-wipe", "mass-download"}


def test_stories_fit_into_a_short_history(make_world):
    world = make_world(history_hours=0.25, events=1000)
    earliest = to_us(world.started - timedelta(minutes=15))

    assert set(world.story_records()) == set(STORIES)
    assert all(earliest <= e.at_us <= to_us(world.started) for i in world.story_records().values() for _, e in i)


def test_a_story_that_does_not_fit_the_number_of_records_is_left_out_whole(make_world):
    by_story = make_world(events=50).story_records()

    assert "mass-download" not in by_story
    assert len(by_story["device-wipe"]) == 6


def test_live_records_come_at_the_rate_that_is_set(make_world):
    world = make_world(events=0, live_rate=3)
    world.clock.unstepped.advance(100)
    world.catch_up()
    world.clock.unstepped.advance(5)

    assert 300 <= report(world)["total"] <= 330


def test_a_hundred_live_seconds_are_the_same_in_one_step_or_in_many(make_world):
    single, many = make_world(events=0, live_rate=2.5), make_world(events=0, live_rate=2.5)
    single.clock.unstepped.advance(100)
    single.catch_up()
    for _ in range(100):
        many.clock.unstepped.advance(1)
        many.catch_up()

    assert [k[:4] for k in keys(single)] == [k[:4] for k in keys(many)]


def test_addresses_come_from_the_documentation_ranges_only(make_world):
    text = b"\n".join(e.body for e in entries(make_world(events=3000)))
    addresses = set(re.findall(rb"\b\d{1,3}(?:\.\d{1,3}){3}\b", text))
    odd = {a for a in addresses if not a.startswith((b"192.0.2.", b"198.51.100.", b"203.0.113.", b"10.0."))}
    # versions of clients and systems look like addresses
    assert {a for a in odd if not a.endswith(b".0")} <= {b"16.0.18129.20158"}


NIGHT = datetime(2026, 1, 18, 2, 30, tzinfo=UTC)
"""A Sunday's."""


def young(world, age_s):
    return [entry for entry in entries(world) if entry.at_us >= world.now_us() - age_s * 1_000_000]


@pytest.mark.slow
@pytest.mark.parametrize("when", [(), (NIGHT,)], ids=["working hours", "Sunday night"])
@pytest.mark.parametrize("profile", ["verify", "quick", "chaos"])
@pytest.mark.parametrize("seed", range(5, 12))
def test_what_strikes_young_records_only_has_some_to_strike_at_every_hour(make_world, when, profile, seed):
    faults = {"faults_profile": profile, "faults_extra": ["changes", "case", "spelling"]}
    world = make_world(*when, events=900, seed=seed, fresh=12, **faults)

    changing = {course.entry for course in world.changes.courses().values()}
    assert world.dice.injected["late"] > 0
    assert any(entry in changing for entry in young(world, 1200))
    assert len(entries(world)) == 900


def test_the_night_is_quiet_but_for_what_is_to_be_fresh(make_world):
    quiet, fresh = (young(make_world(NIGHT, events=900, fresh=count), 600) for count in (0, 12))

    assert len(quiet) < 3
    assert 24 <= len(fresh) < 27
