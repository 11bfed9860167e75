"""Of the time for which a subscription does not run Microsoft gives nothing: that is a gap, and never goes unnoted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from tests.unit.collector.test_runner import JOB, Bus, Ledger

from activity_feed import BASE, Feed, failure
from aoc_collector.runner import Runner, Stores
from aoc_collector.sources import SOURCES
from aoc_common.errors import Unreachable

RUNS = [{"contentType": "Audit.Exchange", "status": "enabled"}]
STANDS = [{"contentType": "Audit.Exchange", "status": "disabled"}]


class Office(Feed):
    """The Management API; `starts`: how it answers when a subscription is to be started, in turn."""

    def __init__(self):
        super().__init__()
        self.starts = []

    def __call__(self, request):
        if request.url.path.endswith("/subscriptions/start"):
            self.started += 1
            answer = self.starts.pop(0)
            if isinstance(answer, Exception):
                self.subscriptions = RUNS  # it was done, and its answer is lost
                raise answer
            if answer.status_code == 200:
                self.subscriptions = RUNS
            return answer
        return super().__call__(request)


@pytest.fixture
def office(microsoft):
    microsoft.respond = Office()
    microsoft.respond.subscriptions = RUNS
    return microsoft.respond


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def look(context, ledger, blobs, states, backlog, letters, clock, office):
    """`look()`: one more slice until now, by a process of its own. Sources are built anew as after a start."""

    async def go():
        end = clock.now()
        state = await states.state("contoso", "o365-exchange")
        source = SOURCES["o365-exchange"].build(context(BASE))
        stores = Stores(ledger, ledger, ledger, blobs, states, states, backlog, letters)
        runner = Runner(lambda *_: source, Bus().publish, stores, clock, asyncio.Event())
        await runner.run(JOB.model_copy(update={"start": state.position or JOB.start, "end": end}))

    return go


def losses(ledger):
    return [(entry[1].start, entry[1].end) for entry in ledger.entries if entry[0] == "lost"]


async def test_the_time_for_which_a_subscription_was_disabled_is_a_permanent_gap(look, office, ledger, clock):
    await look()
    seen = clock.now()
    office.subscriptions, office.starts = STANDS, [httpx.Response(200)]
    clock.advance(timedelta(hours=3))

    await look()
    await look()

    assert losses(ledger) == [(seen, seen + timedelta(hours=3))]


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("no answer"), httpx.ConnectError("gone")])
async def test_a_start_whose_answer_is_lost_leaves_no_gap_unnoted(look, office, ledger, clock, lost):
    await look()
    seen = clock.now()
    office.subscriptions, office.starts = [], [lost]
    clock.advance(timedelta(hours=3))

    with pytest.raises(Unreachable):
        await look()
    clock.advance(timedelta(minutes=1))
    await look()
    await look()

    assert losses(ledger) == [(seen, seen + timedelta(hours=3, minutes=1))]


async def test_a_list_that_hides_a_running_subscription_for_a_moment_is_no_gap(look, office, ledger, clock, states):
    await look()
    office.subscriptions, office.starts = [], [failure(400, "AF20024")]
    clock.advance(timedelta(minutes=1))

    await look()
    office.subscriptions = RUNS
    await look()

    assert losses(ledger) == []
    assert (await states.state("contoso", "o365-exchange")).unsubscribed_since is None


async def test_the_first_start_of_a_subscription_is_no_gap(look, office, ledger):
    office.subscriptions, office.starts = [], [httpx.Response(200)]

    await look()

    assert losses(ledger) == []
