"""The Management API's webhook beside the polling that does not need it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Webhook, Window
from aoc_common.errors import Throttled

BASE = "https://manage.office.com"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = Window(NOW - timedelta(hours=1), NOW)
HOOK = Webhook("https://aoc.example/api/webhooks/o365", "seal", timedelta(days=3))
REGISTERED = {"address": HOOK.address, "authId": "seal", "expiration": "2026-11-26T08:00:00Z"}


class Feed:
    """The Management API with one subscription; `answers`: what starts are answered, in turn."""

    def __init__(self):
        self.subscriptions = []
        self.answers = []
        self.started = []

    def __call__(self, request):
        path = request.url.path
        if path.endswith("/subscriptions/list"):
            return httpx.Response(200, json=self.subscriptions)
        if path.endswith("/subscriptions/start"):
            self.started.append(json.loads(request.content)["webhook"] if request.content else None)
            return self.answers.pop(0) if self.answers else httpx.Response(200, json={})
        return httpx.Response(200, json=[])

    def runs(self, status="enabled", **webhook):
        hook = {"status": "enabled", **REGISTERED, **webhook} if webhook.get("address", "x") else None
        self.subscriptions = [{"contentType": "Audit.Exchange", "status": status, "webhook": hook}]


@pytest.fixture
def feed(microsoft):
    microsoft.respond = Feed()
    return microsoft.respond


@pytest.fixture
def poll(context):
    """`await poll()`: read an hour, with the webhook or (`poll(None)`) without."""
    sources = {}

    async def read(hook=HOOK):
        if hook not in sources:
            sources[hook] = SOURCES["o365-exchange"].build(replace(context(BASE), webhook=hook))
        return [batch async for batch in sources[hook].batches(HOUR)]

    return read


async def test_without_an_address_nobody_is_to_call_us(feed, poll):
    await poll(None)

    assert feed.started == [None]


async def test_a_new_subscription_is_started_with_the_webhook(feed, poll):
    await poll()

    assert feed.started == [REGISTERED]


@pytest.mark.parametrize("change", [{}, {"authId": None}, {"expiration": None}, {"expiration": "2026-11-24T20:00:01"}])
async def test_a_webhook_that_works_is_left_alone(feed, poll, change):
    feed.runs(**change)
    await poll()

    assert feed.started == []


@pytest.mark.parametrize(
    "change",
    [
        {"address": None},
        {"address": "https://old.example/"},
        {"authId": "old"},
        {"status": "disabled"},
        {"status": "expired"},
        {"expiration": "2026-11-24T20:00:00"},
    ],
)
async def test_a_webhook_that_is_missing_old_disabled_or_ending_is_registered_again(feed, poll, change):
    hook_status = change.pop("status", "enabled")
    feed.runs(**change)
    if feed.subscriptions[0]["webhook"]:
        feed.subscriptions[0]["webhook"]["status"] = hook_status
    await poll()

    assert feed.started == [REGISTERED]


@pytest.mark.parametrize("refusal", [httpx.Response(400, json={"error": {"code": "AF20021"}}), httpx.Response(500)])
async def test_a_webhook_that_microsoft_refuses_does_not_keep_us_from_polling(feed, poll, refusal, clock):
    feed.answers = [refusal]
    await poll()
    refused = list(feed.started)
    feed.runs(address=None)
    await poll()
    soon = list(feed.started)
    clock.advance(timedelta(minutes=16))
    await poll()

    assert (refused[0], refused[-1], soon) == (REGISTERED, None, refused)
    assert len(feed.started) == len(soon) + 1


async def test_a_refused_webhook_is_tried_soon_and_then_less_and_less_often_up_to_every_quarter_of_an_hour(
    feed, poll, clock
):
    feed.runs(address=None)
    feed.answers = [httpx.Response(400, json={"error": {"code": "AF20021"}}) for _ in range(8)]
    waited = []
    for _ in range(8):
        began, before = clock.now(), len(feed.started)
        while len(feed.started) == before:
            await poll()
            clock.advance(timedelta(seconds=15))
        waited.append((clock.now() - began).total_seconds())

    assert waited == [15, 15, 30, 60, 120, 240, 480, 900]


async def test_a_webhook_is_not_worth_a_subscription_that_runs(feed, poll):
    feed.runs(address=None)
    feed.answers = [httpx.Response(400, json={"error": {"code": "AF20021"}})]
    await poll()

    assert feed.started == [REGISTERED]


async def test_throttling_is_obeyed_also_here(feed, poll):
    feed.answers = [httpx.Response(429, headers={"Retry-After": "300"})]

    with pytest.raises(Throttled):
        await poll()


def test_what_proves_the_sender_is_not_shown():
    assert "seal" not in repr(HOOK)
