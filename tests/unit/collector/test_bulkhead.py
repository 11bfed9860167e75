"""Who holds a worker for long, or fails, leaves some to the others."""

from __future__ import annotations

from contextlib import suppress

import pytest

from aoc_collector.bulkhead import Bulkhead
from aoc_common.errors import Backpressure, Postponed, Unreachable


@pytest.fixture
def crowd(clock):
    return Bulkhead(4, str, clock, slow_s=20)


async def turn(crowd, clock, seconds, error=None):
    async def work(_job):
        await clock.sleep(seconds)
        if error is not None:
            raise error

    await crowd.run(work, "contoso")


def stays_away(crowd):
    """Whether a fourth job of a tenant is put off while three hold their places: one worker is left to the others."""
    with crowd.place("contoso"), crowd.place("contoso"), crowd.place("contoso"):
        try:
            with crowd.place("contoso"):
                return False
        except Postponed:
            return True


@pytest.mark.parametrize(("seconds", "error"), [(21, None), (3, Unreachable("hangs"))])
async def test_who_is_slow_or_fails_leaves_a_worker_to_the_others(crowd, clock, seconds, error):
    with suppress(Unreachable):
        await turn(crowd, clock, seconds, error)

    assert stays_away(crowd)


@pytest.mark.parametrize("error", [Backpressure("AOC_RAW is full"), Postponed("its share is used up")])
async def test_who_waits_for_us_is_not_to_blame(crowd, clock, error):
    with pytest.raises(type(error)):
        await turn(crowd, clock, 90, error)

    assert not stays_away(crowd)
