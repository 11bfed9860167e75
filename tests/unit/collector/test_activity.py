from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from aoc_collector.sources import SOURCES
from aoc_collector.sources.activity import LoopError
from aoc_collector.sources.base import Window
from aoc_common.errors import Throttled, Unreachable

BASE = "https://manage.office.com"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = Window(NOW - timedelta(hours=1), NOW)


def failure(status, code):
    return httpx.Response(status, json={"error": {"code": code, "message": "made up"}})


def item(key, minute=0, host=BASE):
    return {
        "contentId": key,
        "contentUri": f"{host}/api/v1.0/t/activity/feed/audit/{key}",
        "contentType": "Audit.Exchange",
        "contentCreated": f"2026-11-23T07:{minute:02}:00.000Z",
        "contentExpiration": "2026-11-30T07:00:00.000Z",
    }


class Feed:
    """The Management API: `listings` are pages in order, `contents` what a blob answers (a body or a response)."""

    def __init__(self):
        self.subscriptions = [{"contentType": "audit.exchange", "status": "enabled", "webhook": None}]
        self.listings = [[]]
        self.contents = {}
        self.next_header = "NextPageUri"
        self.started = 0

    def __call__(self, request):
        path = request.url.path
        if path.endswith("/subscriptions/list"):
            return httpx.Response(200, json=self.subscriptions)
        if path.endswith("/subscriptions/start"):
            self.started += 1
            return failure(400, "AF20024") if request.method == "POST" else httpx.Response(405)
        if path.endswith("/subscriptions/content"):
            number = int(request.url.params.get("nextPage", "0"))
            more = number + 1 < len(self.listings)
            headers = {self.next_header: str(request.url.copy_set_param("nextPage", str(number + 1)))} if more else {}
            return httpx.Response(200, json=self.listings[number], headers=headers)
        found = self.contents.get(path.rsplit("/", 1)[1], b'[{"Id":"x"}]')
        return httpx.Response(200, content=found) if isinstance(found, bytes) else found


@pytest.fixture
def feed(microsoft):
    microsoft.respond = Feed()
    return microsoft.respond


@pytest.fixture
def exchange(context):
    return SOURCES["o365-exchange"].build(context(BASE))


async def drain(source, window=HOUR):
    return [batch async for batch in source.batches(window)]


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
