"""Requests that come too often, at a whole gateway."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from aoc_api.rates.throttle import Throttle
from aoc_api.settings import RateOptions
from aoc_common.clock import SystemClock
from aoc_common.contracts.credentials import new_api_key, new_secret
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.api_keys import MongoApiKeys
from aoc_common.store.mongo.sessions import MongoSessions, MongoSignInLinks
from signing_in import bearer

FEW = RateOptions(caller_burst=10, caller_per_s=0.01, address_burst=100, address_per_s=0.01)


@pytest.fixture
def looks(monkeypatch):
    """What was looked up in the database, to see who somebody is."""
    seen = []
    for store, name in ((MongoApiKeys, "find"), (MongoSessions, "find"), (MongoSignInLinks, "take")):
        find = getattr(store, name)

        async def looking(self, *args, find=find):
            seen.append(type(self).__name__)
            return await find(self, *args)

        monkeypatch.setattr(store, name, looking)
    return seen


@pytest.fixture
async def strict(looks, serving, mongo_settings, store):
    """A gateway whose callers have ten requests, and whose strangers have a hundred."""
    return await serving(mongo_settings, rates=FEW)


@pytest.fixture
async def stranger(strict):
    """`await stranger(path, headers)`: asks without the key of the tests."""
    transport = httpx.ASGITransport(strict.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:

        async def ask(path, headers):
            return await client.get(path, headers=headers)

        yield ask


async def test_a_caller_is_told_how_much_is_left_and_refused_when_nothing_is(strict) -> None:
    answers = [await strict.get("/api/events") for _ in range(12)]
    refused = answers[-1]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers[:3]] == ["r=9", "r=8", "r=7"]
    assert refused.json()["type"] == "/problems/too-often"
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["ratelimit-policy"] == '"caller";q=10;w=1000'
    assert (await strict.get("/livez")).status_code == 200
    assert len([line for line in strict.logged if line["event"] == "request.limited"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "credentials"),
    [
        ("/api/events", lambda: bearer(new_api_key())),
        ("/api/events", lambda: {"Cookie": f"aoc-session-8080={new_secret()}"}),
        ("/metrics", lambda: bearer(new_api_key())),
        ("/health", lambda: bearer(new_api_key())),
        ("/nothing", lambda: bearer(new_api_key())),
    ],
)
async def test_made_up_credentials_soon_cost_the_database_nothing(stranger, looks, path, credentials) -> None:
    answers = [await stranger(path, credentials()) for _ in range(40)]

    assert 1 <= len(looks) <= 5
    if path != "/health":  # which is answered to everybody
        assert {answer.status_code for answer in answers[:4]} == {401}
        assert {answer.status_code for answer in answers[-30:]} == {429}
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_made_up_links_soon_cost_the_database_nothing(stranger, looks) -> None:
    answers = [await stranger(f"/auth/link?token={new_secret()}", {}) for _ in range(40)]

    assert 1 <= len(looks) <= 5
    assert answers[0].status_code == 410
    assert answers[-1].status_code == 429


async def test_the_same_made_up_key_is_looked_up_once_in_a_while(stranger, looks) -> None:
    made_up = bearer(new_api_key())
    answers = [await stranger("/api/events", made_up) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {401}
    assert len(looks) == 1


@pytest.mark.slow
async def test_a_guesser_keeps_nobody_out_who_was_here_before(strict, stranger) -> None:
    assert (await strict.get("/api/events")).status_code == 200
    for _ in range(40):
        await stranger("/api/events", bearer(new_api_key()))

    assert (await stranger("/api/events", bearer(new_api_key()))).status_code == 429
    assert (await strict.get("/api/events")).status_code == 200


async def test_what_is_refused_for_coming_too_often_does_not_fill_the_audit_trail(
    strict, stranger, monkeypatch
) -> None:
    acts = []
    monkeypatch.setattr(strict.app.state.services.audit, "note", acts.append)
    for _ in range(30):
        await strict.get("/api/events")
    for _ in range(40):
        await stranger("/api/events", bearer(new_api_key()))

    assert 1 <= len([act for act in acts if act.action.name == "sign-in"]) <= 5
    assert len([act for act in acts if act.action.name == "events.search"]) == 10


@pytest.mark.slow
async def test_while_the_store_of_limits_is_away_requests_are_served(gateway) -> None:
    class Away:
        async def take(self, *_):
            raise Unreachable("valkey: no answer")

        charge = take

    throttle = Throttle(Away(), FEW, SystemClock())
    gateway.app.state.services = replace(gateway.app.state.services, throttle=throttle)
    answers = [await gateway.get("/api/events") for _ in range(15)]

    assert {answer.status_code for answer in answers} == {200}
    assert len([line for line in gateway.logged if line["event"] == "rate_limits.away"]) == 1
