"""The most expensive search, without a word that all events have, as a client sees it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count

import httpx
import pytest

from aoc_api import admission, metrics
from aoc_api.admission import Admission
from aoc_api.app import create_app
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions, LimitOptions
from aoc_common.settings import NatsSettings
from signing_in import known

NOTHING = {
    "q": "-inboxrule",
    "tenant": "contoso",
    "start": "2026-11-18T00:00:00Z",
    "end": "2026-11-23T09:00:00Z",
}


@pytest.fixture
async def hurried(mongo_settings, store, event, tmp_path, monkeypatch):
    """A client of a gateway that gives a search next to no time; more events than are looked through at once."""
    await store(*(event(str(number), hours=number / 3) for number in range(300)))
    app = create_app(
        ApiSettings(
            mongo=mongo_settings,
            nats=NatsSettings(url="nats://127.0.0.1:1"),
            api=ApiOptions(audit=AuditOptions(spool=tmp_path)),
        )
    )
    # By the clock each turn takes six seconds; by the machine it may take five, however busy that is.
    monkeypatch.setattr(admission, "_SCAN_AFTER_S", 5.0)
    ticks = count(step=6.0)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as client,
    ):
        turns = Admission(LimitOptions(search_s=0.001), lambda: next(ticks))
        app.state.services = replace(app.state.services, admission=turns, authenticate=known)
        yield client


@pytest.mark.slow
async def test_a_search_ends_in_its_time_says_how_far_it_looked_and_goes_on_by_its_cursor(hurried) -> None:
    seen, answer = [], (await hurried.get("/api/events", params=NOTHING)).json()
    while answer["next_cursor"] is not None:
        assert answer["items"] == []
        seen.append(answer["searched_back_to"])
        answer = (await hurried.get("/api/events", params=NOTHING | {"cursor": answer["next_cursor"]})).json()

    assert answer["items"] == []
    assert answer["searched_back_to"] is answer["hint"] is None
    assert len(seen) > 1
    assert seen == sorted(seen, reverse=True)


@pytest.mark.slow
async def test_facets_that_end_early_say_so(hurried) -> None:
    answer = (await hurried.get("/api/facets", params=NOTHING)).json()

    assert answer["complete"] is False
    assert answer["searched_back_to"] is not None


@pytest.mark.slow
async def test_a_histogram_that_ends_early_says_which_buckets_are_exact(hurried) -> None:
    answer = (await hurried.get("/api/histogram", params=NOTHING)).json()
    exact = [bucket["exact"] for bucket in answer["buckets"]]

    assert answer["complete"] is False
    assert answer["start"] < answer["counted_back_to"] < answer["end"]
    assert exact == [bucket["start"] >= answer["counted_back_to"] for bucket in answer["buckets"]]
    assert set(exact) == {True, False}


class Endless:
    """A search that never finds anything."""

    turns = 0

    async def search(self, _query, pace):
        while True:
            async with pace.turn():
                self.turns += 1
                await asyncio.sleep(0.001)


def counted(status: str) -> float:
    return metrics.API_REQUESTS.labels("GET", "/api/events", status)._value.get()


async def test_a_client_that_goes_away_ends_the_work_for_it(gateway) -> None:
    endless, before = Endless(), counted("499")
    gateway.app.state.services = replace(gateway.app.state.services, search=endless)
    gone = asyncio.Event()

    async def receive():
        if endless.turns == 0:
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_message):
        raise AssertionError("nobody is there to be answered")

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/events",
        "raw_path": b"/api/events",
        "query_string": b"actor=x",
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", gateway.client.headers["authorization"].encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    serving = asyncio.create_task(gateway.app(scope, receive, send))
    while endless.turns < 5:
        await asyncio.sleep(0.001)
    gone.set()
    await asyncio.wait_for(serving, 5)

    assert counted("499") == before + 1


async def test_a_caller_with_too_many_searches_is_told_when_to_come_again(gateway) -> None:
    endless = Endless()
    limits = LimitOptions(requests_per_caller=2)
    gateway.app.state.services = replace(gateway.app.state.services, search=endless, admission=Admission(limits))
    held = [asyncio.create_task(gateway.get("/api/events")) for _ in range(2)]
    while endless.turns < 5:
        await asyncio.sleep(0.001)
    refused = await gateway.get("/api/events")
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)

    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many")
    assert int(refused.headers["retry-after"]) >= 1
    assert (await gateway.get("/livez")).status_code == 200


async def test_many_who_ask_for_health_make_one_look(gateway) -> None:
    looks, services = [], gateway.app.state.services

    async def look():
        looks.append(1)
        await asyncio.sleep(0.01)

    gateway.app.state.services = replace(services, probes={**services.probes, "mongo": look})
    answers = await asyncio.gather(*(gateway.get("/health") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(looks) == 1
