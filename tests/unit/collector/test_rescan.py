"""When a source's time is looked at again."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_collector.rescan import ages, due, expected_fetches, plan
from aoc_collector.settings import CollectorSettings
from aoc_collector.slices import Feed, Slicing
from aoc_common.store.arrivals import lateness_step
from aoc_common.store.backlog import Cause
from aoc_common.store.sources import SourceState
from thoroughness import THOROUGH

T0 = datetime(2026, 11, 23, 8, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GRAPH = CollectorSettings().graph
SLICING = Slicing(
    lookback=DAY,
    overlap=timedelta(seconds=GRAPH.overlap_s),
    max_slice=HOUR,
    settle_delay=10 * SECOND,
    interval=MINUTE,
    live_window=10 * MINUTE,
    rescan_age=timedelta(seconds=GRAPH.rescan_s),
    fetches_per_record=GRAPH.fetches_per_record,
)
ALL = replace(SLICING, fetches_per_record=None)


def state_of(position, started=T0 - 30 * DAY, **reread):
    return SourceState("contoso", "graph-signins", position=position, started_at=started, **reread)


def feed(slicing=SLICING):
    return Feed("contoso", "graph-signins", slicing)


class Schedule:
    """A source whose live slices go to the present, read at once; `reads`: (moment, start, end) of what was re-read."""

    def __init__(self, slicing=SLICING, planned=None, started=T0):
        self.feed, self.planned = feed(slicing), plan(slicing, {}) if planned is None else planned
        self.state = state_of(started, started)
        self.reads = []

    def tick(self, now, clock=None, replicas=1):
        """`clock`: what the scheduler believes; `replicas`: how many read the same state and ask."""
        believed = clock or now
        self.state = replace(self.state, position=max(self.state.position, believed - SLICING.settle_delay))
        turns = [turn for _ in range(replicas) for turn in due(self.feed, self.state, self.planned, believed)]
        for turn in {(turn.age_s, turn.until): turn for turn in turns}.values():
            if turn.stretch:
                self.reads.append((now, turn.stretch.start, turn.stretch.end))
            self.state = replace(self.state, reread={**self.state.reread, turn.age_s: turn.until})

    def ages_of(self, instant):
        return sorted(now - instant for now, start, end in self.reads if start <= instant < end)


def test_ages_double_up_to_the_reach():
    found = ages(ALL)

    assert found[-1] == DAY
    assert all(abs(later / earlier - 2) < 0.01 for earlier, later in itertools.pairwise(found))
    assert 4 * MINUTE <= found[0] < 8 * MINUTE


def test_listings_are_looked_at_at_every_age_from_half_an_hour_on_and_without_a_reach_nothing_is():
    assert plan(ALL, {20: 10_000}) == tuple(age for age in ages(ALL) if age >= 30 * MINUTE)
    assert plan(replace(ALL, rescan_age=timedelta(0)), {}) == ()


@settings(deadline=None, max_examples=40)
@given(late=st.dictionaries(st.integers(0, 36), st.integers(1, 10_000)))
def test_whatever_the_lateness_the_reach_is_read_and_the_budget_kept(late):
    planned = plan(SLICING, late)

    assert planned[-1] == DAY
    assert list(planned) == sorted(set(planned))
    assert set(planned) <= set(ages(SLICING))
    if sum(late.values()) >= 100:
        assert expected_fetches(SLICING, planned, late) <= GRAPH.fetches_per_record + 0.1


def test_where_records_come_late_early_ages_cost_nothing_and_more_are_taken():
    punctual, hours = plan(SLICING, {0: 1000}), plan(SLICING, {lateness_step(2 * 3600): 1000})

    assert len(punctual) == 2
    assert len(hours) > 4
    assert any(HOUR < age < 4 * HOUR for age in hours)


@settings(deadline=None, max_examples=40 if THOROUGH else 15)
@given(
    away=st.lists(st.tuples(st.integers(0, 4 * 1440), st.integers(1, 3 * 1440)), max_size=3),
    replicas=st.integers(1, 3),
)
@pytest.mark.slow
def test_every_instant_is_read_at_the_reach_whatever_the_outages(away, replicas):
    schedule = Schedule()
    ticks = range(0, 9 * 1440, 7)
    gone = [range(start, start + length) for start, length in away]
    for minute in ticks:
        if not minute or not any(minute in one for one in gone) or minute > 8 * 1440:
            schedule.tick(T0 + minute * MINUTE, replicas=replicas)

    for hour in range(6 * 24):
        read = schedule.ages_of(T0 + hour * HOUR + MINUTE)
        assert read
        assert read[-1] >= DAY
        # After an absence only the missing ones; at the edge of two ages both may read.
        assert len(read) <= len(schedule.planned) + 1
        assert sum(age >= DAY for age in read) <= 2


def test_every_instant_is_read_at_each_age_of_the_plan_and_before_it_doubled():
    schedule = Schedule(ALL)
    for minute in range(4 * 1440):
        schedule.tick(T0 + minute * MINUTE)

    for minute in range(0, 2 * 1440, 13):
        read = schedule.ages_of(T0 + minute * MINUTE)
        assert len(read) == len(schedule.planned)
        for age, planned in zip(read, schedule.planned, strict=True):
            assert planned <= age <= 2 * planned + MINUTE


def test_a_restart_and_another_plan_lose_no_instant():
    schedule = Schedule()
    plans = [plan(SLICING, {}), plan(SLICING, {28: 1000}), (DAY,), plan(ALL, {})]
    for minute in range(0, 6 * 1440, 5):
        schedule.planned = plans[minute // 500 % len(plans)]
        schedule.tick(T0 + minute * MINUTE)

    assert all(schedule.ages_of(T0 + n * 10 * MINUTE)[-1] >= DAY for n in range(4 * 144))


@pytest.mark.slow
@settings(deadline=None, max_examples=40 if THOROUGH else 15)
@given(begin=st.integers(0, 2 * 1440), length=st.integers(1, 20 * 60), days=st.floats(-4, 4))
def test_a_clock_that_jumps_for_a_while_loses_no_instant(begin, length, days):
    schedule = Schedule()
    for minute in range(0, 7 * 1440, 5):
        now = T0 + minute * MINUTE
        if begin <= minute < begin + length:
            # The position is another's; here only the ages are judged.
            held, schedule.state = schedule.state, replace(schedule.state, position=now + 9 * DAY)
            schedule.tick(now, now + days * DAY)
            schedule.state = replace(schedule.state, position=held.position)
        else:
            schedule.tick(now)

    # A clock that is ahead by less than a turn of the reach cannot be told from one that is right.
    least = DAY * 7 / 8 - 5 * MINUTE if abs(days) < 0.13 else DAY
    for hour in range(3 * 24):
        assert schedule.ages_of(T0 + hour * HOUR + MINUTE)[-1] >= least


@pytest.mark.parametrize(
    "state",
    [
        SourceState("contoso", "graph-signins"),
        SourceState("contoso", "graph-signins", position=T0, started_at=T0),
        state_of(T0 - 9 * DAY),
    ],
    ids=["never collected", "just started", "far behind"],
)
def test_what_was_never_collected_is_not_looked_at_again(state):
    assert [turn for turn in due(feed(), state, plan(SLICING, {}), T0) if turn.stretch] == []


def test_all_who_ask_at_about_the_same_time_ask_for_the_same():
    asked = [
        {turn.stretch.id for turn in due(feed(), state_of(T0), plan(SLICING, {}), T0 + n * SECOND)} for n in range(3)
    ]

    assert len(asked[0]) > 0
    assert asked[0] == asked[1] == asked[2]


def test_sources_look_back_at_different_moments():
    other = Feed("contoso", "graph-intune", SLICING)
    state, planned = state_of(T0), plan(SLICING, {})

    assert {turn.stretch.end for turn in due(feed(), state, planned, T0)}.isdisjoint(
        turn.stretch.end for turn in due(other, state, planned, T0)
    )


def test_stretches_of_the_version_before_are_looked_at_again_too():
    assert Cause("hourly") is Cause("daily") is Cause.LATE


# The version before: 15 minutes again each minute, two hours each hour, a day each day.
def before(instant, available):
    """Moments at which the version before read an instant, from when it was available."""
    minute = instant + 70 * SECOND
    reads = [minute + n * MINUTE for n in range(16)]
    for period, reach in ((HOUR, 2 * HOUR), (DAY, DAY)):
        turn = T0 - DAY
        while turn < instant + 3 * DAY:
            if turn - reach <= instant < turn - 15 * MINUTE:
                reads.append(turn)
            turn += period
    return [read for read in reads if read >= available]


def microsoft(chance):
    """How late a record is: 2 to 15 minutes, some within two hours, few within a day."""
    kind = chance.random()
    if kind < 0.9:
        return chance.uniform(2, 15) * MINUTE
    return chance.uniform(0.25, 2) * HOUR if kind < 0.99 else chance.uniform(2, 23.9) * HOUR


@pytest.mark.slow
@pytest.mark.parametrize("lateness", [microsoft, lambda _: timedelta(0)], ids=["as Microsoft's", "none is late"])
def test_records_are_fetched_at_most_four_times_and_late_ones_are_found_as_before(lateness):
    chance = random.Random(11)
    records = [(at := T0 + chance.uniform(0, 2) * DAY, at + lateness(chance)) for _ in range(2000)]
    late = {}
    for at, available in records:
        step = lateness_step((available - at).total_seconds())
        late[step] = late.get(step, 0) + 1
    schedule = Schedule(planned=plan(SLICING, late))
    for minute in range(4 * 1440):
        schedule.tick(T0 + minute * MINUTE)
    fetched_before = [before(at, available) for at, available in records]
    fetched = []
    for at, available in records:
        # A live slice a minute, which reaches back 30 s.
        turn = 70 * SECOND - (at - T0) % MINUTE
        live = [at + turn, at + turn + MINUTE] if turn > 40 * SECOND else [at + turn]
        again = [at + age for age in schedule.ages_of(at)]
        fetched.append([read for read in live + again if read >= available])

    average, average_before = (sum(map(len, one)) / len(records) for one in (fetched, fetched_before))
    assert all(new for new, old in zip(fetched, fetched_before, strict=True) if old)
    assert all(fetched)
    assert average <= 4
    if lateness is not microsoft:
        assert average_before > 18


def test_nothing_before_the_look_back_of_a_new_source_is_looked_at_however_far_looking_again_reaches():
    schedule = Schedule(replace(ALL, rescan_age=6 * DAY, interval=HOUR))
    for hour in range(9 * 24):
        schedule.tick(T0 + hour * HOUR)

    assert min(start for _, start, _ in schedule.reads) == T0 - DAY
    # And once there is something behind the look-back, it is looked at when it is as old as the reach.
    assert schedule.ages_of(T0 - DAY + HOUR)[-1] >= 6 * DAY
