"""The Management Activity API, as far as a source asks it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from aoc_collector.sources.base import Window

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


async def drain(source, window=HOUR):
    return [batch async for batch in source.batches(window)]
