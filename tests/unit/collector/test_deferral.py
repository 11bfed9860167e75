"""A stretch that cannot be read does not hold up the rest of the backlog."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.collector.conftest import NOW
from tests.unit.collector.test_schedule import SIGNINS

from aoc_collector.deferral import StretchDeferral
from aoc_collector.slices import next_backlog_slice
from aoc_common.errors import Backpressure, Refused, Throttled, Transient, Unreachable
from aoc_common.store.backlog import Cause, Stretch

HOUR = timedelta(hours=1)
SICK = NOW - 9 * HOUR


def stretch(name, begin, end, cause=Cause.BEHIND):
    return Stretch("contoso", "graph-signins", cause, name, begin, end, begin)


@pytest.fixture
def turns(backlog, states, clock):
    return StretchDeferral(backlog, states, clock, timedelta(minutes=1))


@pytest.fixture
def work(backlog, states, turns, clock):
    """`await work(minutes)`: the backlog as handler and scheduler work it off; what holds `SICK` cannot be read."""

    async def go(minutes, *, live=True):
        for _ in range(minutes):
            while job := next_backlog_slice(SIGNINS, await backlog.waiting("contoso"), clock.now()):
                if job.start <= SICK < job.end:
                    assert await turns.defer(job, 5, Unreachable("HTTP 500"))
                else:
                    await backlog.advance(job.stretch, job.end, clock.now())
            clock.advance(timedelta(minutes=1))
            if live:
                await states.advance("contoso", "graph-signins", clock.now(), clock.now())

    return go


async def test_what_cannot_be_read_holds_up_no_later_outage_re_scan_or_asked_backfill(work, backlog, clock):
    added = [
        stretch("first", NOW - 10 * HOUR, NOW - 4 * HOUR),
        stretch("second", NOW - 3 * HOUR, NOW - 2 * HOUR),
        stretch("hour", NOW - 3 * HOUR, NOW - 2 * HOUR, Cause.LATE),
        stretch("asked", NOW - 30 * HOUR, NOW - 20 * HOUR, Cause.ASKED),
    ]
    for one in added:
        await backlog.add(one, NOW)

    await work(1)
    assert [stretch.name for stretch in await backlog.waiting("contoso")] == ["first"]

    await work(20)
    [left] = await backlog.waiting("contoso")
    # The watermark stays where the hole is; the rest of the outage is collected.
    assert (left.cause, left.start <= SICK < left.end, left.end - left.start) == (Cause.BEHIND, True, HOUR)


async def test_a_part_that_cannot_be_read_is_tried_ever_more_slowly_and_for_ever(work, backlog, clock):
    await backlog.add(stretch("first", SICK, SICK + HOUR / 2), NOW)

    await work(24 * 60)

    [left] = await backlog.waiting("contoso")
    assert 24 <= left.failures <= 32


async def test_the_first_pause_is_the_one_that_is_set_and_each_further_one_twice_as_long(backlog, states, clock):
    turns = StretchDeferral(backlog, states, clock, timedelta(seconds=5))
    await backlog.add(stretch("first", SICK, SICK + HOUR / 2), NOW)

    for pause_s in (5, 10, 20):
        job = next_backlog_slice(SIGNINS, await backlog.waiting("contoso"), clock.now())
        assert await turns.defer(job, 5, Unreachable("HTTP 500"))
        [left] = await backlog.waiting("contoso")
        assert left.not_before == clock.now() + timedelta(seconds=pause_s)
        clock.advance(timedelta(seconds=pause_s))


async def test_a_source_that_is_away_altogether_is_not_cut_to_pieces(work, backlog):
    await backlog.add(stretch("first", NOW - 10 * HOUR, NOW - 4 * HOUR), NOW)

    await work(300, live=False)

    assert len(await backlog.waiting("contoso")) == 1


@pytest.mark.parametrize(
    ("error", "deliveries"),
    [
        (Unreachable("x"), 4),
        (Throttled("slow"), 99),
        (Backpressure("full"), 99),
        (Transient("the collector is stopping", retry_after=0), 99),
    ],
)
async def test_a_turn_is_kept_where_waiting_is_all_that_helps(turns, backlog, error, deliveries):
    await backlog.add(stretch("first", SICK, SICK + HOUR), NOW)
    job = next_backlog_slice(SIGNINS, await backlog.waiting("contoso"), NOW)

    assert await turns.defer(job, deliveries, error) is False


async def test_a_live_slice_gives_no_way(turns):
    live = next_backlog_slice(SIGNINS, [stretch("x", SICK, SICK + HOUR)], NOW).model_copy(update={"stretch": None})

    assert await turns.defer(live, 99, Refused("no")) is False
