"""The watch over sources."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from prometheus_client import REGISTRY

from aoc_collector.watch import Watch
from aoc_common.errors import Unreachable
from aoc_common.store.accounts import SourceAccount
from aoc_common.store.judging import Bounds

BOUNDS = Bounds(timedelta(minutes=15), timedelta(hours=24))
MINUTE = timedelta(minutes=1)


class Accounts:
    def __init__(self):
        self.found = []
        self.error = None

    async def accounts(self, _tenant, _now):
        if self.error:
            raise self.error
        return self.found


@pytest.fixture
def accounts():
    return Accounts()


@pytest.fixture
def watch(accounts, states, clock):
    return Watch({"contoso": ["graph-signins"]}, accounts, states, lambda _: {"graph-signins": 0.25}, BOUNDS, clock)


def value(name):
    return REGISTRY.get_sample_value(name, {"tenant": "contoso", "source": "graph-signins"})


async def test_a_source_that_stalls_is_told_once_and_again_when_it_goes_on(watch, accounts, clock):
    last = clock.now()
    with structlog.testing.capture_logs() as told:
        for _ in range(4):
            accounts.found = [SourceAccount("contoso", "graph-signins", last_success=last)]
            await watch.look()
            await clock.sleep(600)
        stalled = value("aoc_collector_source_state")
        accounts.found = [SourceAccount("contoso", "graph-signins", last_success=clock.now())]
        await watch.look()

    changes = [(one["before"], one["now"], one["log_level"]) for one in told if one["event"] == "source.changed"]
    assert changes == [("green", "red", "warning"), ("red", "green", "info")]
    assert (stalled, value("aoc_collector_source_state")) == (2, 0)


async def test_content_that_will_die_unfetched_is_told_before_it_does(watch, accounts, clock):
    accounts.found = [
        SourceAccount(
            "contoso",
            "graph-signins",
            last_success=clock.now(),
            blobs_waiting=7,
            first_expiry=clock.now() + 5 * 60 * MINUTE,
        )
    ]
    with structlog.testing.capture_logs() as told:
        await watch.look()

    assert (value("aoc_collector_expiring_blobs"), value("aoc_collector_first_expiry_seconds")) == (7, 5 * 3600)
    assert "content expires unfetched: 7 waiting" in str(told)


async def test_a_source_that_was_never_collected_is_judged_too(watch):
    await watch.look()

    assert value("aoc_collector_source_state") == 1
    assert value("aoc_collector_first_expiry_seconds") == float("inf")


async def test_the_share_of_throttled_answers_is_noted(watch, states, clock):
    await states.advance("contoso", "graph-signins", clock.now(), clock.now())
    await watch.look()

    assert (await states.state("contoso", "graph-signins")).throttled == 0.25


async def test_a_store_that_is_away_does_not_end_the_watch(watch, accounts, clock):
    accounts.error = Unreachable("away")

    async def sleep(_seconds):
        raise KeyboardInterrupt

    clock.sleep = sleep
    with pytest.raises(KeyboardInterrupt):
        await watch.run(60)
