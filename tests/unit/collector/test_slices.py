"""How a source's time is cut."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from aoc_collector.slices import Feed, Slicing, backlog_stretch, next_backlog_slice, next_live_slice
from aoc_common.store.backlog import Cause, Stretch

NOW = datetime(2026, 11, 23, 8, 0, 0, 700_000, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def feed(**changes):
    defaults = {
        "lookback": 24 * HOUR,
        "overlap": 15 * MINUTE,
        "max_slice": HOUR,
        "settle_delay": MINUTE,
        "interval": MINUTE,
        "live_window": 10 * MINUTE,
        "rescan_age": DAY,
    }
    return Feed("contoso", "graph-signins", Slicing(**(defaults | changes)))


def at(hour, minute, second=0):
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)


def stretch(start, end, cause=Cause.BEHIND, source="graph-signins"):
    return Stretch("contoso", source, cause, "one", start, end, start)


def test_nothing_is_due_before_an_interval_has_passed_unless_there_is_news():
    assert next_live_slice(feed(), at(7, 58, 30), NOW) is None
    assert next_live_slice(feed(), at(7, 58, 30), NOW, at_once=True) is not None


def test_a_slice_out_of_turn_does_not_cost_a_source_its_turn():
    assert next_live_slice(feed(), at(7, 58, 30), NOW, in_turn=True).end == at(7, 59)
    assert next_live_slice(feed(), at(7, 58, 31), NOW, in_turn=True) is None


@pytest.mark.parametrize(
    ("overlap", "end"), [(15 * MINUTE, at(8, 0, 1)), (MINUTE, at(8, 0, 1)), (MINUTE / 2, at(7, 59, 31))]
)
def test_news_are_looked_for_until_now_as_far_as_the_next_slice_reads_it_again(overlap, end):
    job = next_live_slice(feed(overlap=overlap), at(7, 58, 30), NOW, at_once=True)

    assert (at(7, 58, 30) - overlap, end) == (job.start, job.end)


@pytest.mark.parametrize("at_once", [False, True])
def test_a_position_beyond_now_asks_for_nothing(at_once):
    assert next_live_slice(feed(), NOW + HOUR, NOW, at_once=at_once) is None


def test_a_slice_reaches_back_for_late_records_and_leaves_the_newest_to_settle():
    job = next_live_slice(feed(), at(7, 50), NOW)

    assert (at(7, 35), at(7, 59)) == (job.start, job.end)


@pytest.mark.parametrize("settle", [0, 60, 3600])
def test_a_new_source_starts_even_without_a_look_back(settle):
    source = feed(lookback=timedelta(0), overlap=timedelta(0), settle_delay=timedelta(seconds=settle))

    assert next_live_slice(source, None, NOW) is not None


def test_a_new_source_is_live_at_once_and_its_look_back_is_left_to_the_backlog():
    left = backlog_stretch(feed(), None, NOW)

    assert (left.cause, left.start, left.end) == (Cause.BEHIND, at(8, 0) - DAY, at(7, 49))
    assert next_live_slice(feed(), left.end, NOW).end == at(7, 59)


def test_a_source_that_is_a_little_behind_leaves_nothing():
    assert backlog_stretch(feed(), at(7, 40), NOW) is None


def test_after_an_outage_the_parts_are_bounded_oldest_first_and_nothing_is_skipped():
    one = feed()
    left, steps = backlog_stretch(one, NOW.replace(microsecond=0) - 3 * DAY, NOW), []
    done = left
    while done.done_until < done.end:
        job = next_backlog_slice(one, [done], NOW)
        steps.append((job.start, job.end))
        done = Stretch(left.tenant, left.source, left.cause, left.name, left.start, left.end, job.end)

    assert steps[0] == (left.start - 15 * MINUTE, left.start + HOUR)
    assert (len(steps), steps[-1][1]) == (72, at(7, 49))
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(steps))
    assert max(end - start for start, end in steps) == 75 * MINUTE


def test_the_part_of_the_first_stretch_of_the_source_is_next():
    waiting = [
        stretch(at(1, 0), at(2, 0), source="graph-intune"),
        stretch(at(3, 0), at(3, 30), Cause.LATE),
        stretch(at(0, 0), at(9, 0), Cause.ASKED),
    ]

    job = next_backlog_slice(feed(), waiting, NOW)

    assert (job.start, job.end, job.stretch) == (at(3, 0), at(3, 30), waiting[1].id)
    assert next_backlog_slice(feed(), waiting[:1], NOW) is None


def test_a_stretch_with_nothing_left_is_closed_by_a_last_look():
    job = next_backlog_slice(feed(), [stretch(at(3, 0), at(3, 0))], NOW)

    assert job.end >= at(3, 0)


@pytest.mark.parametrize("in_backlog", [False, True])
def test_a_slice_that_cannot_be_finished_is_halved_down_to_a_minute_and_grows_again(in_backlog):
    one, lengths = feed(), []

    def job():
        return (
            next_backlog_slice(one, [stretch(at(1, 0), at(7, 0))], NOW)
            if in_backlog
            else next_live_slice(one, at(1, 0), NOW)
        )

    while one.halve(job()):
        lengths.append(one.backlog_length if in_backlog else one.live_length)
    shortest = lengths[-1]
    one.grow(job(), 9)

    assert lengths[0] in {30 * MINUTE, 75 * MINUTE / 2}
    assert shortest >= MINUTE
    assert (one.backlog_length if in_backlog else one.live_length) == shortest * 2


def test_where_there_is_little_the_backlog_is_read_a_week_at_a_time():
    one, years = feed(), stretch(NOW - 2000 * DAY, NOW, Cause.ASKED)
    for _ in range(9):
        one.grow(next_backlog_slice(one, [years], NOW), 0)

    assert next_backlog_slice(one, [years], NOW).length == 7 * DAY

    one.grow(next_backlog_slice(one, [years], NOW), 9)

    assert next_backlog_slice(one, [years], NOW).length == HOUR
