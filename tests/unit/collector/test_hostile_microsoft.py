"""Malformed answers of Microsoft do not keep the rest from being collected."""

from __future__ import annotations

import codecs
import json
from datetime import timedelta

import httpx
import pytest

from activity_feed import BASE, HOUR, drain, failure, item
from aoc_collector.microsoft.auth import Tokens
from aoc_collector.microsoft.origins import within
from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Window
from aoc_common import http
from aoc_common.bus.policy import Redelivery
from aoc_common.errors import Refused, Throttled, Unreachable

GRAPH = "https://graph.microsoft.com"
GARBAGE = {
    "a newline": {"contentUri": f"{BASE}/a\nb"},
    "a bad IPv6 literal": {"contentUri": "https://[::1/x"},
    "a foreign host": {"contentUri": "https://evil.example/x"},
    "a port that is none": {"contentUri": f"{BASE}:x/y"},
    "a link without an end": {"contentUri": f"{BASE}/{'x' * 100_000}"},
    "no link": {"contentUri": None},
    "a number for a link": {"contentUri": 7},
    "a number for an id": {"contentId": 7},
    "an id without an end": {"contentId": "x" * 100_000},
    "no times": {"contentCreated": None, "contentExpiration": None},
    "times that are none": {"contentCreated": "yesterday", "contentExpiration": "9999-99-99"},
    "times out of this world": {
        "contentCreated": "0001-01-01T00:00:00+23:59",
        "contentExpiration": "9999-12-31T23:59:59-23:59",
    },
}


def fetched(batches):
    return {key for batch in batches for key in batch.blobs}


@pytest.mark.parametrize("changes", GARBAGE.values(), ids=GARBAGE)
async def test_one_item_of_a_listing_that_is_garbage_keeps_no_other_from_being_fetched(
    exchange, feed, waiting, microsoft, changes
):
    good = [item(f"good-{number}", number) for number in range(12)]
    feed.listings = [[*good[:6], item("odd", 6) | changes, *good[6:]]]

    batches = await drain(exchange)

    assert {item["contentId"] for item in good} <= fetched(batches)
    noted = {loss.reason for batch in batches for loss in batch.losses}
    assert len(noted) == len(waiting.reasons) == 12 + 1 - len(fetched(batches))
    assert all(request.url.host == "manage.office.com" for request in microsoft.requests)


@pytest.mark.parametrize("odd", ["[]", '"x"', "7", "null", "{}"])
async def test_an_item_that_is_no_item_keeps_no_other_from_being_fetched(exchange, feed, microsoft, odd):
    listing = json.dumps([item("a"), item("b")])[:-1] + f",{odd}]"
    microsoft.respond = lambda request: (
        httpx.Response(200, text=listing) if request.url.path.endswith("/content") else feed(request)
    )

    batches = await drain(exchange)

    assert fetched(batches) == {"a", "b"}
    assert sum(len(batch.losses) for batch in batches) == 1


async def test_an_item_or_a_record_that_a_strict_parser_refuses_takes_no_other_with_it(exchange, feed, microsoft):
    listing = json.dumps([item("a"), item("b"), item("c") | {"note": "SURROGATE"}]).replace("SURROGATE", "\\ud800")
    feed.contents = {"b": rb'[{"Id":"1"},{"Id":"\ud800"},{"Id":"2"}]'}
    microsoft.respond = lambda request: (
        httpx.Response(200, text=listing) if request.url.path.endswith("/content") else feed(request)
    )

    batches = await drain(exchange)

    assert fetched(batches) == {"a", "b"}
    assert [array.body for batch in batches if "b" in batch.blobs for array in batch.arrays] == [
        b'[{"Id":"1"},{"Id":"2"}]', rb'[{"Id":"\ud800"}]',
    ]  # fmt: skip
    assert sum(len(batch.losses) for batch in batches) == 1


async def test_a_malformed_item_is_reported_once_however_often_it_is_listed(exchange, feed):
    feed.listings = [[item("odd") | {"contentUri": "https://[::1/x"}]]

    losses = [loss for _ in range(5) for batch in await drain(exchange) for loss in batch.losses]

    assert len(losses) == 1
    assert b"https://[::1/x" in losses[0].sample


@pytest.mark.parametrize("trouble", [httpx.Response(500), failure(400, "AF50000"), b"<html>", b'{"no":"list"}'])
async def test_an_unreadable_blob_holds_its_slice_up_for_a_few_tries_and_is_then_tried_by_itself(
    exchange, feed, waiting, clock, trouble
):
    feed.listings = [[item("bad", 1), item("good", 2)]]
    feed.contents = {"bad": trouble}
    for _ in range(2):
        with pytest.raises((Unreachable, Refused)):
            await drain(exchange)

    assert fetched(await drain(exchange)) == {"good"}
    assert waiting.failures == {"bad": 3}
    assert fetched(await drain(exchange)) == {"good"}
    assert waiting.failures == {"bad": 3}

    feed.listings, feed.contents = [[]], {}
    clock.advance(timedelta(minutes=2))
    late = await drain(exchange, Window(clock.now() - timedelta(hours=1), clock.now()))
    assert fetched(late) == {"bad"}


@pytest.mark.slow
async def test_a_blob_that_is_never_read_becomes_a_gap_when_it_expires(exchange, feed, waiting, clock):
    feed.listings, feed.contents = [[item("bad")]], {"bad": httpx.Response(500)}
    for _ in range(2):
        with pytest.raises(Unreachable):
            await drain(exchange)
    await drain(exchange)
    feed.listings = [[]]
    tries = []
    for _ in range(8 * 24):
        await drain(exchange, Window(clock.now() - timedelta(hours=1), clock.now()))
        tries.append(waiting.failures["bad"])
        clock.advance(timedelta(hours=1))

    assert waiting.expired == {"bad"}
    assert tries[-1] <= 7 * 24 + 3


async def test_when_no_blob_can_be_read_the_rest_is_left_for_the_next_try(exchange, feed, microsoft):
    listed = [item(f"b-{number:02}", number % 60) for number in range(60)]
    feed.listings, feed.contents = [listed], {item["contentId"]: httpx.Response(500) for item in listed}

    with pytest.raises(Unreachable):
        await drain(exchange)

    assert len({url for url in microsoft.urls if "/audit/" in url}) < 12


async def test_an_asked_backfill_ignores_that_a_blob_was_fetched(exchange, feed, blobs):
    feed.listings = [[item("known"), item("gone")]]
    feed.contents = {"gone": failure(400, "AF20051")}
    blobs.known = {"known", "gone"}

    batches = await drain(exchange, Window(HOUR.start, HOUR.end, afresh=True))

    assert fetched(batches) == {"known"}
    # It was read while it was there.
    assert (blobs.expired, [loss for batch in batches for loss in batch.losses]) == ([], [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
async def test_a_byte_order_mark_before_any_answer_is_no_part_of_it(exchange, feed, microsoft, encoding):
    text = '[{"Id":"ü"}]'
    feed.listings, feed.contents = [[item("a")]], {"a": text.encode()}

    def marked(request):
        answer = feed(request)
        body = answer.content.decode().encode(encoding)
        assert body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16, codecs.BOM_UTF32))
        return httpx.Response(answer.status_code, content=body)

    microsoft.respond = marked
    batches = await drain(exchange)

    assert [array.body.decode() for batch in batches for array in batch.arrays] == [text]


async def test_a_byte_order_mark_before_a_page_of_graph_and_an_error_is_no_part_of_it(context, microsoft):
    page = codecs.BOM_UTF8 + b'{"value":[{"id":"a"}]}'
    refusal = codecs.BOM_UTF8 + b'{"error":{"code":"Nope","message":"no"}}'
    answers = iter([httpx.Response(200, content=page), httpx.Response(403, content=refusal)])
    microsoft.respond = lambda _: next(answers)
    source = SOURCES["graph-signins"].build(context(GRAPH))

    [batch] = await drain(source)

    assert batch.arrays[0].body == b'[{"id":"a"}]'
    with pytest.raises(Refused) as caught:
        await drain(source)
    assert caught.value.code == "Nope"


async def test_a_byte_order_mark_before_a_token_is_no_part_of_it(tenant, clock):
    body = codecs.BOM_UTF8 + b'{"access_token":"t","expires_in":3600}'
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)))

    assert await Tokens(client, clock, attempts=1).token(tenant, GRAPH) == "t"


@pytest.mark.parametrize(
    "spelt", ["https://manage.office.com:443", "HTTPS://Manage.Office.COM", "https://manage.office.com."]
)
async def test_a_link_to_the_same_origin_is_followed_however_it_is_spelt(exchange, feed, microsoft, spelt):
    feed.listings = [[item("a", host=spelt)]]

    assert fetched(await drain(exchange)) == {"a"}
    assert {request.url.netloc for request in microsoft.requests} == {b"manage.office.com"}


@pytest.mark.parametrize(
    "link",
    [
        "http://manage.office.com/x",
        "https://manage.office.com:8443/x",
        "https://manage.office.com@evil.example/x",
        "https://manage.office.com:443@evil.example/x",
        "https://user@manage.office.com/x",
        "https://manage.office.com\\@evil.example/x",
        "https://manage.office.com.evil.example/x",
        "https://evil.example/manage.office.com",
        "//evil.example/x",
        "/api/x",
        "",
        "https://manage.office.com../x",
        "https://manage.office.com\t.evil.example/x",
        "https://mаnage.office.com/x",  # a Cyrillic letter is the point
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(link):
    with pytest.raises(Refused):
        within(BASE, link, "management")


@pytest.mark.parametrize("value", ["1e9", "1e999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_wait_of_31_years_pauses_an_api_for_the_longest_wait_that_is_believed(context, microsoft, clock, value):
    answers = iter([httpx.Response(429, headers={"Retry-After": value}), httpx.Response(200, json={"value": []})])
    microsoft.respond = lambda _: next(answers)
    source = SOURCES["graph-signins"].build(context(GRAPH))

    with pytest.raises(Throttled) as caught:
        await drain(source)
    clock.advance(timedelta(seconds=http.LONGEST_RETRY_AFTER_S))
    await drain(source)

    assert caught.value.retry_after == http.LONGEST_RETRY_AFTER_S
    assert sum(clock.slept) <= 1


@pytest.mark.parametrize("value", ["0", "-1", "0.000001", "-1e999", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_a_wait_of_nothing_has_a_floor(context, microsoft, clock, value):
    answers = iter([httpx.Response(429, headers={"Retry-After": value}), httpx.Response(200, json={"value": []})])
    microsoft.respond = lambda _: next(answers)

    await drain(SOURCES["graph-signins"].build(context(GRAPH)))

    assert sum(clock.slept) >= http.SHORTEST_RETRY_AFTER_S


@pytest.mark.parametrize("asked", [1e9, float("inf"), float("nan"), -5.0])
def test_no_message_is_put_off_for_longer_than_a_day(asked):
    assert 0 <= Redelivery().delay_s(Throttled("slow down", retry_after=asked), 1) <= 24 * 3600


@pytest.mark.parametrize("lifetime", ["NaN", "-1", "0", "1e9", "1e999", '"3600"'])
async def test_a_token_lives_for_a_minute_to_a_day_whatever_is_claimed(tenant, clock, lifetime):
    asked = []

    def respond(request):
        asked.append(request)
        return httpx.Response(200, text=f'{{"access_token":"t","expires_in":"{lifetime.strip(chr(34))}"}}')

    client = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    tokens = Tokens(client, clock, attempts=1)
    await tokens.token(tenant, GRAPH)
    clock.advance(timedelta(seconds=20))
    await tokens.token(tenant, GRAPH)
    within_a_minute = len(asked)
    clock.advance(timedelta(days=1))
    await tokens.token(tenant, GRAPH)

    assert (within_a_minute, len(asked)) == (1, 2)


@pytest.mark.parametrize("token", ["a\r\nX: y", "ü", "", " ", 7, None])
async def test_a_token_that_no_header_can_hold_is_none(tenant, clock, token):
    answer = {"access_token": token, "expires_in": 3600}
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)))

    with pytest.raises(Unreachable):
        await Tokens(client, clock, attempts=1).token(tenant, GRAPH)


async def test_a_subscription_that_cannot_be_read_does_not_hide_ours(exchange, feed):
    feed.subscriptions = [{"contentType": 7}, "x", *feed.subscriptions]

    await drain(exchange)

    assert feed.started == 0
