"""Asking for a stretch of time: what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from aoc_common.contracts.sources import SOURCE_NAMES
from each import each

WISH = {"tenant": "contoso", "source": "o365-dlp", "start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"end": "2026-11-20T00:00:00Z"}, "end"),
        ({"end": "2026-11-20T00:00:00.5Z"}, "end"),
        ({"end": "2999-01-01T00:00:00Z", "start": "2998-12-31T00:00:00Z"}, "end"),
        ({"start": "2020-01-01T00:00:00Z"}, "start"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"start": "yesterday"}, "start"),
        ({"start": None}, "start"),
        ({"tenant": "Contoso Ltd"}, "tenant"),
        ({"tenant": "a.b"}, "tenant"),
        ({"source": "graph-nothing"}, "source"),
        ({"source": "o365-*"}, "source"),
        ({"window": 1}, "window"),
    ],
)
async def test_a_wish_that_cannot_be_is_a_problem_that_names_what_is_wrong(hooks, change, name):
    answer = await hooks.client.post("/api/fetch-audit-logs", json=WISH | change)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameters")
    assert [(error["location"], error["name"]) for error in answer.json()["errors"]] == [("body", name)]
    assert hooks.bus.asked == []


@each("body", [b"", b"{", b"[]", b"null"])
async def test_a_body_that_is_no_wish_is_a_problem(hooks, body):
    answer = await hooks.client.post(
        "/api/fetch-audit-logs", content=body, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, hooks.bus.asked) == (422, [])


async def test_a_web_page_cannot_ask_without_the_browser_asking_first(hooks):
    # Text is what a page of another site may send unasked; JSON needs a preflight, which nobody answers.
    answer = await hooks.client.post(
        "/api/fetch-audit-logs", json=WISH, headers={"Content-Type": "text/plain;charset=UTF-8"}
    )

    assert (answer.status_code, hooks.bus.asked) == (422, [])


async def test_without_webhooks_and_without_a_bus_asking_is_a_503(serve):
    hooks = await serve()
    hooks.bus.away = True
    answer = await hooks.client.post("/api/fetch-audit-logs", json=WISH)

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-now")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_body_that_is_too_large_is_refused(hooks):
    answer = await hooks.client.post("/api/fetch-audit-logs", json=WISH | {"source": "x" * 1024 * 1024})

    assert answer.status_code == 413


KEY = {"Authorization": "Bearer of-anybody"}


async def test_a_script_asks_for_the_latest_hours_with_get(hooks):
    answer = await hooks.client.get(
        "/api/fetch-audit-logs", params={"tenant": "contoso", "source": "o365-dlp", "hours": 6}, headers=KEY
    )
    every = await hooks.client.get("/api/fetch-audit-logs?tenant=contoso", headers=KEY)
    start, end = (datetime.fromisoformat(answer.json()[name]) for name in ("start", "end"))

    assert (answer.status_code, every.status_code) == (202, 202)
    assert answer.json()["sources"] == [{"source": "o365-dlp", "state": "asked"}]
    assert end - start == timedelta(hours=6)
    assert [source["source"] for source in every.json()["sources"]] == list(SOURCE_NAMES)
    assert len(hooks.bus.asked) == 1 + len(SOURCE_NAMES)


async def test_with_a_cookie_or_by_head_nothing_is_asked(hooks):
    # A link on a page of another site would do.
    by_cookie = await hooks.client.get("/api/fetch-audit-logs")
    by_head = await hooks.client.head("/api/fetch-audit-logs", headers=KEY)

    assert (by_cookie.status_code, by_cookie.json()["type"]) == (403, "/problems/cross-site")
    assert (by_head.status_code, by_head.headers["allow"]) == (405, "GET, POST")
    assert hooks.bus.asked == []


@each(
    ("parameters", "name"),
    [
        ({"hours": 0}, "hours"),
        ({"hours": 10**9}, "hours"),
        ({"source": "graph-nothing"}, "source"),
        ({"days": 1}, "days"),
    ],
)
async def test_hours_that_cannot_be_are_refused_by_name(hooks, parameters, name):
    answer = await hooks.client.get("/api/fetch-audit-logs", params=parameters, headers=KEY)

    assert (answer.status_code, [error["name"] for error in answer.json()["errors"]]) == (422, [name])
    assert hooks.bus.asked == []
