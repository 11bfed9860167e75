"""The monitor over sources."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from prometheus_client import REGISTRY

from aoc_collector.metrics import CATALOGUE
from aoc_collector.source_monitor import SourceMonitor
from aoc_common.errors import Unreachable
from aoc_common.store.accounts import SourceAccount, Waiting
from aoc_common.store.arrivals import RecentArrivals
from aoc_common.store.source_health import Bounds

BOUNDS = Bounds(timedelta(minutes=15), timedelta(hours=24))
MINUTE = timedelta(minutes=1)


class Accounts:
    def __init__(self):
        self.found = []
        self.error = None
        self.content = {}
        self.asked = 0

    async def waiting(self):
        if self.error:
            raise self.error
        return self.content

    async def accounts(self, _tenant, _now):
        self.asked += 1
        return self.found


@pytest.fixture
def accounts():
    return Accounts()


@pytest.fixture
def monitor(accounts, states, clock):
    return SourceMonitor(
        {"contoso": ["graph-signins"]}, accounts, states, lambda _: {"graph-signins": 0.25}, BOUNDS, clock
    )


def value(name):
    return REGISTRY.get_sample_value(name, {"tenant": "contoso", "source": "graph-signins"})


async def test_a_source_that_stalls_is_told_once_and_again_when_it_goes_on(monitor, states, clock):
    await states.advance("contoso", "graph-signins", clock.now(), clock.now())
    with structlog.testing.capture_logs() as told:
        for _ in range(4):
            await monitor.check()
            await clock.sleep(600)
        stalled = value("aoc_collector_source_state")
        await states.advance("contoso", "graph-signins", clock.now(), clock.now())
        await monitor.check()

    changes = [(line["before"], line["now"], line["log_level"]) for line in told if line["event"] == "source.changed"]
    assert changes == [("green", "red", "warning"), ("red", "green", "info")]
    assert (stalled, value("aoc_collector_source_state")) == (2, 0)


async def test_content_that_will_die_unfetched_is_told_before_it_does(monitor, accounts, states, clock):
    await states.advance("contoso", "graph-signins", clock.now(), clock.now())
    accounts.content = {("contoso", "graph-signins"): Waiting(7, clock.now() + 5 * 60 * MINUTE)}
    with structlog.testing.capture_logs() as told:
        await monitor.check()

    assert (value("aoc_collector_expiring_blobs"), value("aoc_collector_first_expiry_seconds")) == (7, 5 * 3600)
    assert "content expires unfetched: 7 waiting" in str(told)


async def test_a_source_that_was_never_collected_is_judged_too(monitor):
    await monitor.check()

    assert value("aoc_collector_source_state") == 1
    assert value("aoc_collector_first_expiry_seconds") == float("inf")


@pytest.mark.parametrize("left", [{}, {"contoso": ["graph-intune"]}], ids=["has left", "has changed"])
async def test_a_tenant_that_leaves_while_it_is_looked_at_is_judged_no_more(accounts, states, clock, left):
    sources = {"contoso": ["graph-signins"]}
    monitor = SourceMonitor(sources, accounts, states, lambda _: {"graph-signins": 0.25}, BOUNDS, clock)
    read = accounts.accounts

    async def slowly(tenant, now):
        monitor.forget("contoso")
        CATALOGUE.forget(tenant="contoso")
        sources.clear()
        sources.update(left)
        return await read(tenant, now)

    await monitor.check()
    accounts.accounts = slowly
    await clock.sleep(3600)
    before = value("aoc_collector_source_state")
    await monitor.check()

    assert (before, value("aoc_collector_source_state")) == (1, None)


async def test_the_share_of_throttled_answers_is_noted(monitor, states, clock):
    await states.advance("contoso", "graph-signins", clock.now(), clock.now())
    await monitor.check()

    assert (await states.state("contoso", "graph-signins")).throttled == 0.25


async def test_whole_accounts_are_read_once_an_hour_and_shares_are_written_when_they_change(
    monitor, accounts, states, clock
):
    written = []

    async def note(tenant, shares):
        written.append((tenant, shares))

    states.note_watched = note
    for _ in range(120):
        await monitor.check()
        await clock.sleep(60)

    assert accounts.asked <= 3
    assert written == [("contoso", {"graph-signins": 0.25})]


async def test_a_source_that_fell_silent_is_looked_at_closely_until_it_speaks_again(monitor, accounts, states, clock):
    silence = RecentArrivals(silent_hour=clock.now(), usual=9)
    await states.advance("contoso", "graph-signins", clock.now(), clock.now())
    accounts.found = [SourceAccount("contoso", "graph-signins", recently=silence)]
    await monitor.check()
    silent = value("aoc_collector_source_state")
    accounts.found = [SourceAccount("contoso", "graph-signins")]
    await monitor.check()

    assert (silent, value("aoc_collector_source_state")) == (1, 0)


async def test_a_store_that_is_away_does_not_end_the_watch(monitor, accounts):
    accounts.error = Unreachable("away")
    with pytest.raises(Unreachable):
        await monitor.check()
    accounts.error = None
    await monitor.check()

    assert accounts.asked == 1
