"""What went wrong for others when they collected: a test a line, by the line's number.

The tenth and the twelfth are in tests/integration: they need a bus, a database and a gateway.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
from nats.js.api import PubAck

from aoc_collector.runner import Runner, Stores
from aoc_collector.schedule import Scheduler
from aoc_collector.slices import Feed, Slicing, backlog_stretch, next_backlog_slice, next_live_slice
from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Window
from aoc_common.contracts.jobs import CollectJob
from aoc_common.errors import Backpressure, Unreachable
from aoc_common.store.backlog import Cause

GRAPH, MANAGEMENT = "https://graph.microsoft.com", "https://manage.office.com"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SLICING = Slicing(DAY, 15 * MINUTE, HOUR, MINUTE, MINUTE, 10 * MINUTE)
WINDOW = Window(NOW - HOUR, NOW)


class SilentLedger:
    """Takes everything, tells nothing."""

    def __getattr__(self, _name):
        async def take(*_arguments, **_options):
            return None

        return take


async def acknowledged(_stream, messages):
    return [PubAck(stream="AOC_RAW", seq=number) for number, _ in enumerate(messages, 1)]


@pytest.fixture
def runner(blobs, states, backlog, letters, clock):
    """`runner(source, publish)`: runs slices of one source."""

    def make(source, publish=acknowledged):
        ledger = SilentLedger()
        stores = Stores(ledger, ledger, ledger, blobs, states, states, backlog, letters)
        return Runner(lambda *_: source, publish, stores, clock, asyncio.Event())

    return make


def job(source):
    return CollectJob(tenant="contoso", source=source, start=WINDOW.start, end=WINDOW.end)


def records(*found):
    return httpx.Response(200, json={"value": [{"id": record_id} for record_id in found]})


async def test_pitfall_1_the_watermark_moves_only_when_the_records_are_stored(context, microsoft, runner, states):
    source = SOURCES["graph-directory-audits"].build(context(GRAPH))
    microsoft.respond = lambda _: records("a")

    async def refused(_stream, _messages):
        raise Backpressure("the stream is full")

    with pytest.raises(Backpressure):
        await runner(source, refused).run(job("graph-directory-audits"))
    before = (await states.state("contoso", "graph-directory-audits")).position
    await runner(source).run(job("graph-directory-audits"))

    assert (before, (await states.state("contoso", "graph-directory-audits")).position) == (None, NOW)


async def test_pitfall_2_an_odd_record_costs_neither_its_window_nor_another_source(context, microsoft, runner, states):
    microsoft.respond = lambda _: httpx.Response(200, content=b'{"value": [{"noId": true}, 7, null, {"id": "b"}]}')
    published = []

    async def publish(stream, messages):
        published.extend(messages)
        return await acknowledged(stream, messages)

    for name in ("graph-directory-audits", "graph-intune"):
        await runner(SOURCES[name].build(context(GRAPH)), publish).run(job(name))

    assert [orjson.loads(page.body) for page in published] == [[{"noId": True}, 7, None, {"id": "b"}]] * 2
    assert [(await states.state("contoso", name)).position for name in ("graph-directory-audits", "graph-intune")] == [
        NOW,
        NOW,
    ]


async def test_pitfall_2_a_source_that_fails_does_not_stop_another(context, microsoft, runner, states):
    microsoft.respond = lambda request: records("a") if "deviceManagement" in request.url.path else httpx.Response(503)

    with pytest.raises(Unreachable):
        await runner(SOURCES["graph-signins"].build(context(GRAPH))).run(job("graph-signins"))
    await runner(SOURCES["graph-intune"].build(context(GRAPH))).run(job("graph-intune"))

    assert (await states.state("contoso", "graph-intune")).position == NOW


async def test_pitfall_3_an_outage_of_more_than_a_day_is_collected_from_its_beginning(
    states, backlog, clock, corrector
):
    feed = Feed("contoso", "graph-signins", SLICING)
    await states.advance("contoso", "graph-signins", NOW - 4 * DAY, NOW - 4 * DAY)

    async def publish(_job):
        return True

    await Scheduler([feed], states, backlog, publish, clock, corrector).tick()
    covered = NOW - 4 * DAY
    while waiting := [stretch for stretch in await backlog.waiting("contoso") if stretch.cause is Cause.BEHIND]:
        part = next_backlog_slice(feed, waiting, NOW)
        assert part.start <= covered
        covered = part.end
        await backlog.advance(part.stretch, part.end, NOW)

    position = (await states.state("contoso", "graph-signins")).position
    assert covered >= position
    assert next_live_slice(feed, position, NOW).start <= position


async def test_pitfall_4_every_page_of_blobs_is_fetched_and_not_the_first_fifty(context, microsoft):
    listed = 130

    def respond(request):
        if request.url.path.endswith("/subscriptions/list"):
            return httpx.Response(200, json=[{"contentType": "Audit.Exchange", "status": "enabled"}])
        if not request.url.path.endswith("/subscriptions/content"):
            return httpx.Response(200, json=[{"Id": request.url.path.rsplit("/", 1)[1]}])
        first = int(request.url.params.get("nextPage", "0"))
        items = [
            {
                "contentId": f"blob-{number}",
                "contentUri": f"{MANAGEMENT}/audit/blob-{number}",
                "contentCreated": "2026-11-23T07:30:00.000Z",
                "contentExpiration": "2026-11-30T07:30:00.000Z",
            }
            for number in range(first, min(first + 50, listed))
        ]
        more = {"NextPageUri": str(request.url.copy_set_param("nextPage", str(first + 50)))}
        return httpx.Response(200, json=items, headers=more if first + 50 < listed else {})

    microsoft.respond = respond
    source = SOURCES["o365-exchange"].build(context(MANAGEMENT))

    blobs = [name async for batch in source.batches(WINDOW) for name in batch.blobs]

    assert len(set(blobs)) == listed


def test_pitfall_5_slices_of_graph_overlap_so_that_late_events_are_seen():
    feed, position = Feed("contoso", "graph-signins", SLICING), NOW - 5 * MINUTE

    live = next_live_slice(feed, position, NOW)
    part = next_backlog_slice(feed, [backlog_stretch(feed, NOW - DAY, NOW)], NOW)

    assert live.start == position - 15 * MINUTE
    assert part.start == NOW - DAY - 15 * MINUTE


@pytest.mark.parametrize("trouble", [429, 500, 503])
async def test_pitfall_6_what_is_throttled_or_broken_is_asked_again_when_it_says_so(
    context, microsoft, clock, runner, states, trouble
):
    answers = iter([httpx.Response(trouble, headers={"Retry-After": "7"}), records("a")])
    microsoft.respond = lambda _: next(answers)

    await runner(SOURCES["graph-directory-audits"].build(context(GRAPH))).run(job("graph-directory-audits"))

    assert (await states.state("contoso", "graph-directory-audits")).position == NOW
    assert trouble != 429 or sum(clock.slept) >= 7
