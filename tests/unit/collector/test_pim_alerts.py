"""PIM alerts have states, not records: what changed since the last look is published, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Window

GRAPH = "https://graph.microsoft.com"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW)
AT = "2026-11-23T07:30:00.25Z"
NEVER = "0001-01-01T08:00:00Z"


def alert(name="A", *, active=True, modified=AT, **more):
    state = {"id": name, "isActive": active, "lastModifiedDateTime": modified, "lastScannedDateTime": AT}
    return state | {"incidentCount": 1, "alertIncidents": [{"id": "i1"}]} | more


@pytest.fixture
def pim(context, microsoft):
    """`await look(*alerts)`: the names that are published when Microsoft has these alerts."""
    source = SOURCES["graph-pim-alerts"].build(context(GRAPH))

    async def look(*alerts, afresh=False):
        microsoft.respond = lambda _: httpx.Response(200, json={"value": list(alerts)})
        window = Window(WINDOW.start, WINDOW.end, afresh)
        batches = [batch async for batch in source.batches(window)]
        return [one["id"] for batch in batches for page in batch.arrays for one in orjson.loads(page.body)]

    return look


async def test_the_one_scope_that_there_is_is_asked_with_all_relations(pim, microsoft):
    await pim()

    asked = urlsplit(microsoft.urls[0])
    assert asked.path == "/beta/identityGovernance/roleManagementAlerts/alerts"
    assert parse_qs(asked.query) == {
        "$filter": ["scopeId eq '/' and scopeType eq 'DirectoryRole'"],
        "$expand": ["alertDefinition,alertConfiguration,alertIncidents"],
    }


async def test_a_state_is_published_once_and_each_change_of_it(pim):
    assert await pim(alert(), alert("B")) == ["A", "B"]
    assert await pim(alert(), alert("B")) == []
    assert await pim(alert(), alert("B", incidentCount=2, alertIncidents=[{"id": "i1"}, {"id": "i2"}])) == ["B"]
    assert await pim(alert(active=False), alert("B", incidentCount=2, alertIncidents=[{"id": "i1"}, {"id": "i2"}])) == [
        "A"
    ]


async def test_being_looked_at_by_microsoft_changes_nothing(pim):
    await pim(alert())

    assert await pim(alert(lastScannedDateTime="2026-11-23T07:59:00Z")) == []


async def test_an_alert_that_never_was_is_no_event_and_one_that_is_over_is(pim):
    quiet = {"active": False, "modified": NEVER, "incidentCount": 0, "alertIncidents": []}
    assert await pim(alert(**quiet)) == []
    assert await pim(alert()) == ["A"]
    # Microsoft may forget when it was modified.
    assert await pim(alert(**quiet)) == ["A"]
    assert await pim(alert(**quiet)) == []


async def test_an_alert_that_is_over_already_is_told_when_its_time_is_known(pim):
    assert await pim(alert(active=False)) == ["A"]


async def test_a_backfill_publishes_what_was_published_before(pim):
    await pim(alert())

    assert await pim(alert(), afresh=True) == ["A"]


async def test_what_did_not_reach_the_bus_is_published_again(context, microsoft):
    source = SOURCES["graph-pim-alerts"].build(context(GRAPH))
    microsoft.respond = lambda _: httpx.Response(200, json={"value": [alert()]})
    batches = source.batches(WINDOW)
    await anext(batches)
    await batches.aclose()

    assert [len(batch.arrays) async for batch in source.batches(WINDOW)] == [1]


async def test_what_is_no_alert_is_left_to_the_normalizer(context, microsoft):
    source = SOURCES["graph-pim-alerts"].build(context(GRAPH))
    body = rb'{"value":[{"id":17},{"id":"\ud800"},{}]}'
    microsoft.respond = lambda _: httpx.Response(200, content=body)

    assert sum([page.records async for batch in source.batches(WINDOW) for page in batch.arrays]) == 3
