"""Collections that Microsoft does not filter by time are read whole, and only the window's records are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Window
from aoc_common.errors import Unreachable

GRAPH = "https://graph.microsoft.com"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW)
NEXT = f"{GRAPH}/v1.0/identityProtection/riskyServicePrincipals?$skiptoken=abc"
FIELD = "riskLastUpdatedDateTime"


@pytest.fixture
def risky(context):
    return SOURCES["graph-risky-serviceprincipals"].build(context(GRAPH))


def of(*times):
    return (
        b"["
        + b",".join(b'{"id":"%d","%s":"%s"}' % (n, FIELD.encode(), at.encode()) for n, at in enumerate(times))
        + b"]"
    )


def page(records=b"[]", following=None):
    link = b',"@odata.nextLink":' + orjson.dumps(following) if following else b""
    return httpx.Response(200, content=b'{"value":' + records + link + b"}")


async def collect(source, window=WINDOW):
    return [array.body for batch in [one async for one in source.batches(window)] for array in batch.arrays]


async def kept(source, window=WINDOW):
    return [record["id"] for body in await collect(source, window) for record in orjson.loads(body)]


async def test_no_time_is_filtered_on(risky, microsoft):
    microsoft.respond = lambda _: page()

    await collect(risky)

    asked = urlsplit(microsoft.urls[0])
    assert asked.path == "/v1.0/identityProtection/riskyServicePrincipals"
    assert parse_qs(asked.query) == {"$top": ["500"]}


async def test_only_what_changed_in_the_window_is_kept_both_ends_included(risky, microsoft):
    microsoft.respond = lambda _: page(
        of(
            "2026-11-23T06:59:59.9999999Z",
            "2026-11-23T07:00:00Z",
            "2026-11-23T07:30:00.1234567Z",
            "2026-11-23T09:00:00+01:00",
            "2026-11-23T08:00:00",
            "2026-11-23T08:00:00.000001Z",
        )
    )

    assert await kept(risky) == ["1", "2", "3", "4"]


async def test_every_change_is_in_one_of_two_windows_that_follow_each_other(context, microsoft):
    microsoft.respond = lambda _: page(of("2026-11-23T06:30:00Z", "2026-11-23T07:00:00Z", "2026-11-23T07:00:00.5Z"))
    source = SOURCES["graph-risky-serviceprincipals"].build(context(GRAPH))
    before = Window(WINDOW.start - (NOW - WINDOW.start), WINDOW.start)

    assert {*await kept(source, before), *await kept(source)} == {"0", "1", "2"}


@pytest.mark.parametrize(
    "odd",
    [
        b'{"id":"odd"}',
        b'{"id":"odd","riskLastUpdatedDateTime":null}',
        b'{"id":"odd","riskLastUpdatedDateTime":17}',
        b'{"id":"odd","riskLastUpdatedDateTime":"soon"}',
        b'{"id":"odd","riskLastUpdatedDateTime":"0001-01-01T00:00:00+08:00"}',
    ],
)
async def test_a_record_whose_time_cannot_be_read_is_kept(risky, microsoft, odd):
    microsoft.respond = lambda _: page(b"[" + odd + b',{"id":"old","riskLastUpdatedDateTime":"2020-01-01T00:00:00Z"}]')

    assert [odd] == [body[1:-1] for body in await collect(risky)]


async def test_what_is_kept_is_kept_byte_for_byte_over_all_pages(risky, microsoft):
    record = b'{"id" : "1",  "riskLastUpdatedDateTime":"2026-11-23T07:30:00Z", "n": 1.0e2}'
    broken = rb'{"id":"\ud800"}'
    answers = iter([page(b"[" + record + b"," + broken + b"]", NEXT), page(of("2026-11-23T07:40:00Z"))])
    microsoft.respond = lambda _: next(answers)

    bodies = await collect(risky)

    assert bodies[:2] == [b"[" + record + b"]", b"[" + broken + b"]"]
    assert len(bodies) == 3


async def test_an_answer_that_is_no_list_is_unreachable(risky, microsoft):
    microsoft.respond = lambda _: httpx.Response(200, content=b'{"value":{}}')

    with pytest.raises(Unreachable):
        await collect(risky)
