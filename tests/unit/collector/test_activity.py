from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from activity_feed import BASE, HOUR, NOW, drain, failure, item
from aoc_collector.sources.activity import LoopError
from aoc_collector.sources.base import Window
from aoc_common.errors import Throttled, Unreachable


async def test_a_blob_on_another_host_is_refused_and_gets_no_token(exchange, feed, microsoft):
    feed.listings = [[item("a", host="https://evil.example")]]

    [batch] = await drain(exchange)

    assert [loss.reason for loss in batch.losses] == ["content a: graph_audit: a link leads to https://evil.example"]
    assert all(request.url.host == "manage.office.com" for request in microsoft.requests)


async def test_an_expired_blob_is_a_noted_gap_and_the_others_are_collected(exchange, feed, blobs):
    feed.listings = [[item("old", 1), item("good", 2)]]
    feed.contents = {"old": failure(400, "AF20051"), "good": b'[{"Id":"1"}]'}

    batches = await drain(exchange)

    assert [array.body for batch in batches for array in batch.arrays] == [b'[{"Id":"1"}]']
    assert (blobs.expired, [key for batch in batches for key in batch.blobs]) == (["old"], ["good"])
    assert sum(len(batch.losses) for batch in batches) == 1


async def test_a_blob_that_fails_does_not_throw_away_its_neighbours(exchange, feed):
    feed.listings = [[item("bad", 1), item("good", 2)]]
    feed.contents = {"bad": httpx.Response(500)}
    seen = []

    with pytest.raises(Unreachable):  # noqa: PT012  # what came before the error counts
        async for batch in exchange.batches(HOUR):
            seen += batch.blobs

    assert seen == ["good"]


async def test_throttling_disguised_as_a_403_is_transient(exchange, feed):
    feed.listings = [[item("a")]]
    feed.contents = {"a": failure(403, "AF429")}

    with pytest.raises(Throttled):
        await drain(exchange)


async def test_next_pages_that_go_round_end(exchange, feed, microsoft):
    microsoft.respond = lambda request: (
        feed(request)
        if "content" not in request.url.path
        else httpx.Response(200, json=[], headers={"NextPageUri": f"{BASE}/api/v1.0/content?nextPage=1"})
    )

    with pytest.raises(LoopError):
        await drain(exchange)


async def test_a_window_older_than_seven_days_is_cut_and_the_loss_is_reported(exchange, feed, microsoft):
    batches = await drain(exchange, Window(NOW - timedelta(days=9), NOW - timedelta(days=6, hours=20)))

    assert [loss.reason for batch in batches for loss in batch.losses] == [
        "2026-11-14T08:00:00Z to 2026-11-16T08:05:00Z is older than Microsoft keeps it"
    ]
    assert microsoft.requests[1].url.params["startTime"] == "2026-11-16T08:05:00"


@pytest.mark.parametrize("header", ["NextPageUri", "nextpageuri", "NextPageUrl"])
async def test_every_page_of_a_listing_is_read_however_the_header_is_spelt(exchange, feed, header):
    feed.next_header = header
    feed.listings = [[item("a")], [], [item("b")]]

    batches = await drain(exchange)

    assert [key for batch in batches for key in batch.blobs] == ["a", "b"]


async def test_a_listing_asks_for_at_most_a_day(exchange, feed, microsoft):
    await drain(exchange, Window(NOW - timedelta(hours=30), NOW))

    spans = [
        (request.url.params["startTime"], request.url.params["endTime"])
        for request in microsoft.requests
        if request.url.path.endswith("/content")
    ]
    assert spans == [("2026-11-22T02:00:00", "2026-11-23T02:00:00"), ("2026-11-23T02:00:00", "2026-11-23T08:00:00")]


async def test_blobs_that_were_fetched_before_are_not_fetched_again(exchange, feed, blobs):
    feed.listings = [[item("known"), item("new")]]
    blobs.known = {"known"}

    batches = await drain(exchange)

    assert [key for batch in batches for key in batch.blobs] == ["new"]
    assert blobs.offered == ["known", "new"]


async def test_the_oldest_blobs_come_first_because_they_expire_first(exchange, feed):
    feed.listings = [[item("c", 30), item("a", 10), item("b", 20)]]

    batches = await drain(exchange)

    assert [key for batch in batches for key in batch.blobs] == ["a", "b", "c"]


@pytest.mark.parametrize("held", [[], [{"contentType": "Audit.Exchange", "status": "disabled"}]])
async def test_a_subscription_that_does_not_run_is_started_and_already_enabled_is_fine(exchange, feed, held):
    feed.subscriptions = held

    await drain(exchange)

    assert feed.started == 1


async def test_a_subscription_that_runs_is_left_alone(exchange, feed):
    await drain(exchange)

    assert feed.started == 0


async def test_every_request_names_its_publisher(exchange, feed, microsoft):
    feed.subscriptions = []
    feed.listings = [[item("a")], [item("b")]]

    await drain(exchange)

    assert {"publisher"} == {request.url.params.get("PublisherIdentifier") for request in microsoft.requests}
