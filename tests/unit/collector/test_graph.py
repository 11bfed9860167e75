from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from aoc_collector.microsoft.paging import BrokenSkipTokenError, LoopError
from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Window
from aoc_common.errors import Refused, Unreachable

GRAPH = "https://graph.microsoft.com"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW)
NEXT = f"{GRAPH}/v1.0/auditLogs/directoryAudits?$skiptoken=Abc%2BdE_f-%3d&odd==1"


def page(records=b"[]", following=None):
    link = b',"@odata.nextLink":' + orjson.dumps(following) if following else b""
    return httpx.Response(200, content=b'{"@odata.context":"x","value":' + records + link + b"}")


async def collect(source):
    return [array.body for batch in [b async for b in source.batches(WINDOW)] for array in batch.arrays]


@pytest.fixture
def audits(context):
    return SOURCES["graph-directory-audits"].build(context(GRAPH))


async def test_a_next_link_to_another_host_is_refused_and_gets_no_token(audits, microsoft):
    microsoft.respond = lambda _: page(
        b'[{"id":"1"}]', "https://evil.example/v1.0/auditLogs/directoryAudits?$skiptoken=x"
    )

    with pytest.raises(Refused, match=r"evil\.example"):
        await collect(audits)

    assert [request.url.host for request in microsoft.requests] == ["graph.microsoft.com"]


async def test_a_next_link_that_repeats_is_a_loop_and_ends(audits, microsoft):
    microsoft.respond = lambda _: page(b'[{"id":"1"}]', NEXT)

    with pytest.raises(LoopError):
        await collect(audits)

    assert len(microsoft.requests) == 2


async def test_links_that_never_end_are_given_up(audits, microsoft):
    microsoft.respond = lambda _: page(b"[]", f"{NEXT}{len(microsoft.requests)}")

    with pytest.raises(LoopError):
        await collect(audits)


async def test_a_skip_token_that_is_always_refused_ends_after_a_few_restarts(audits, microsoft):
    def respond(request):
        return (
            httpx.Response(400, json={"error": {"code": "BadRequest"}})
            if "skiptoken" in str(request.url)
            else page(b"[]", NEXT)
        )

    microsoft.respond = respond

    with pytest.raises(BrokenSkipTokenError):
        await collect(audits)

    assert len(microsoft.requests) == 8


async def test_a_bad_request_on_the_first_page_is_no_skip_token(audits, microsoft):
    microsoft.respond = lambda _: httpx.Response(400, json={"error": {"code": "BadRequest", "message": "filter"}})

    with pytest.raises(Refused):
        await collect(audits)


@pytest.mark.parametrize("body", [b'{"value":[{"id":"1"}', b"<html>", b'{"value":{}}', b'{"value":[\xff]}', b"{}"])
async def test_an_answer_that_is_cut_short_or_no_page_is_unreachable(audits, microsoft, body):
    microsoft.respond = lambda _: httpx.Response(200, content=body)

    with pytest.raises(Unreachable):
        await collect(audits)


async def test_a_refused_skip_token_starts_the_slice_again(audits, microsoft):
    broken = iter([True, False])

    def respond(request):
        if "skiptoken" not in str(request.url):
            return page(b'[{"id":"1"}]', NEXT)
        return httpx.Response(400) if next(broken) else page(b'[{"id":"2"}]')

    microsoft.respond = respond

    assert await collect(audits) == [b'[{"id":"1"}]', b'[{"id":"1"}]', b'[{"id":"2"}]']


async def test_an_empty_page_with_a_next_link_is_not_the_end(audits, microsoft):
    microsoft.respond = lambda request: page(b'[{"id":"1"}]') if "skiptoken" in str(request.url) else page(b"[]", NEXT)

    assert await collect(audits) == [b'[{"id":"1"}]']


async def test_a_next_link_is_followed_to_the_letter(audits, microsoft):
    microsoft.respond = lambda request: page() if "skiptoken" in str(request.url) else page(b"[]", NEXT)

    await collect(audits)

    assert microsoft.urls[1] == NEXT


async def test_a_record_that_a_strict_parser_refuses_takes_no_other_with_it_and_hides_no_next_page(audits, microsoft):
    answers = iter([page(rb'[{"id":"1"},{"id":"\ud800"},{"id":"2"}]', NEXT), page(b'[{"id":"3"}]')])
    microsoft.respond = lambda _: next(answers)

    assert await collect(audits) == [b'[{"id":"1"},{"id":"2"}]', rb'[{"id":"\ud800"}]', b'[{"id":"3"}]']
    assert str(microsoft.requests[1].url) == NEXT


async def test_records_are_kept_byte_for_byte(audits, microsoft):
    records = b'[ {"id" : "1", "n": 1.0e2, "t":"\\u00e9\xc3\xa9",  "x":null},\n {"id":"2","id":"2"} ]'
    microsoft.respond = lambda _: page(records)

    assert [records] == await collect(audits)


@pytest.mark.parametrize(
    ("source", "path", "condition"),
    [
        (
            "graph-directory-audits",
            "/v1.0/auditLogs/directoryAudits",
            "activityDateTime ge {0} and activityDateTime le {1}",
        ),
        ("graph-signins", "/v1.0/auditLogs/signIns", "createdDateTime ge {0} and createdDateTime le {1}"),
        (
            "graph-signins-managedidentity",
            "/beta/auditLogs/signIns",
            "createdDateTime ge {0} and createdDateTime le {1} and signInEventTypes/any(t: t eq 'managedIdentity')",
        ),
        ("graph-intune", "/v1.0/deviceManagement/auditEvents", "activityDateTime ge {0} and activityDateTime le {1}"),
        ("graph-alerts", "/v1.0/security/alerts_v2", "lastUpdateDateTime ge {0} and lastUpdateDateTime le {1}"),
        (
            "graph-risk-detections",
            "/v1.0/identityProtection/riskDetections",
            "lastUpdatedDateTime ge {0} and lastUpdatedDateTime le {1}",
        ),
        (
            "graph-risky-users",
            "/v1.0/identityProtection/riskyUsers",
            "riskLastUpdatedDateTime ge {0} and riskLastUpdatedDateTime le {1}",
        ),
    ],
)
async def test_each_feed_asks_its_collection_by_its_own_time(context, microsoft, source, path, condition):
    microsoft.respond = lambda _: page()

    await collect(SOURCES[source].build(context(GRAPH)))

    asked = urlsplit(microsoft.urls[0])
    expected = condition.format("2026-11-23T07:00:00Z", "2026-11-23T08:00:00Z")
    assert (path, [expected]) == (asked.path, parse_qs(asked.query)["$filter"])


async def test_what_is_older_than_the_tenants_retention_is_reported_as_lost_and_the_rest_is_read(context, microsoft):
    microsoft.respond = lambda _: page(b'[{"id":"1"}]')
    source = SOURCES["graph-directory-audits"].build(replace(context(GRAPH), retention=timedelta(days=7)))

    batches = [batch async for batch in source.batches(Window(NOW - timedelta(days=9), NOW))]

    [lost] = [loss for batch in batches for loss in batch.losses]
    assert (lost.window.start, lost.window.end) == (NOW - timedelta(days=9), NOW - timedelta(days=7))
    assert "ge 2026-11-16T08:00:00Z" in parse_qs(urlsplit(microsoft.urls[0]).query)["$filter"][0]
    assert sum(len(batch.arrays) for batch in batches) == 1


async def test_a_window_that_is_wholly_older_than_the_retention_asks_for_nothing(context, microsoft):
    source = SOURCES["graph-signins"].build(replace(context(GRAPH), retention=timedelta(days=7)))

    batches = [batch async for batch in source.batches(Window(NOW - timedelta(days=9), NOW - timedelta(days=8)))]

    assert [len(batch.losses) for batch in batches] == [1]
    assert microsoft.urls == []


@pytest.mark.parametrize("error", [{"code": "UnknownError", "message": "a shard is away"}, "partial", {}])
async def test_a_success_that_holds_an_error_too_is_no_empty_hour(audits, microsoft, error):
    microsoft.respond = lambda _: httpx.Response(200, json={"value": [], "error": error})

    with pytest.raises(Unreachable):
        await collect(audits)


async def test_an_error_of_null_is_none(audits, microsoft):
    microsoft.respond = lambda _: httpx.Response(200, json={"value": [{"id": "1"}], "error": None})

    assert await collect(audits) == [b'[{"id":"1"}]']
