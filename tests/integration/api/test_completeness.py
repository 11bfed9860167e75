"""How complete the collection is, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.contracts.sink_states import SinkHealth, Tally
from aoc_common.store.blobs import ContentBlob
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sink_accounts import MongoSinkAccounts
from aoc_common.store.mongo.sink_states import MongoSinkStates
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.slices import SliceFetched
from aoc_common.tenants.administration import Change
from manual_clock import ManualClock
from tenant_registry import Registry, settings_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
START, END = NOW - timedelta(minutes=10), NOW - timedelta(minutes=5)


@pytest.fixture
async def collected(database) -> None:
    """One settled slice of contoso, one waiting blob, and a slice of fabrikam."""
    await ensure_indexes(database)
    ledger, sources = MongoLedger(database), MongoSources(database)
    for tenant in ("contoso", "fabrikam"):
        await ledger.open_slice(f"{tenant}-s", tenant, "o365-exchange", START, END)
        await ledger.slice_fetched(SliceFetched(f"{tenant}-s", 1, 3, NOW))
        await sources.advance(tenant, "o365-exchange", END, NOW)
    await ledger.pages_settled([PageOutcome("p7", "contoso", "o365-exchange", "contoso-s", 2, 1, 0, NOW)])
    await ledger.listed("contoso", "o365-exchange", [ContentBlob("b1", "uri", START, NOW + timedelta(days=7))], NOW)
    await MongoAccount(database).settle(NOW, 10)
    states = MongoSinkStates(database)
    await states.place("siem", "store", {"kind": "splunk"}, NOW)
    await states.take_in("siem", frozenset())
    await states.tell("siem", SinkHealth("running", delivered_until=END), NOW)
    await MongoSinkAccounts(database).add("siem", {"contoso": Tally(delivered=2)})


async def test_a_source_s_account_and_gaps_are_told(gateway, collected) -> None:
    answer = await gateway.get("/api/completeness", tenant="contoso")

    assert answer.status_code == 200
    assert answer.json() == {
        "tenant": "contoso",
        "at": "2026-11-23T08:00:00Z",
        "pauses": [],
        "sources": [
            {
                "source": "o365-exchange",
                "since": "2026-11-23T00:00:00Z",
                "watermark": "2026-11-23T07:55:00Z",
                "complete_until": "2026-11-23T07:55:00Z",
                "last_success": "2026-11-23T08:00:00Z",
                "last_error": None,
                "slices": 1,
                "unsettled": 0,
                "pages": 1,
                "records": 3,
                "stored": 2,
                "changed": 0,
                "duplicate": 1,
                "quarantined": 0,
                "dead_letters": 0,
                "dead_lettered": 0,
                "waiting": 0,
                "not_understood": 0,
                "undated": 0,
                "blobs": {"fetched": 0, "waiting": 1, "expired": 0},
                "gaps": [
                    {
                        "cause": "waiting",
                        "start": "2026-11-23T07:50:00Z",
                        "end": "2026-11-23T07:50:00Z",
                        "closable": True,
                        "items": 1,
                        "detail": "the first of it expires at 2026-11-30T08:00:00Z",
                    }
                ],
            }
        ],
        "sinks": [
            {
                "sink": "siem",
                "kind": "splunk",
                "state": "running",
                "seen_at": "2026-11-23T08:00:00Z",
                "delivered_until": "2026-11-23T07:55:00Z",
                "behind": False,
                "delivered": 2,
                **dict.fromkeys(("filtered", "refused", "repeated", "late", "missing", "unaccounted"), 0),
            }
        ],
    }


async def test_a_tenant_that_is_or_was_paused_says_since_when(gateway, database, collected) -> None:
    clock = ManualClock(NOW)
    registry = Registry(database, clock)
    await registry.administration.add(settings_of("contoso"), Change("kim"))
    answers = [[]]
    for paused in (True, False, True):
        clock.advance(3600)
        await registry.administration.pause("contoso", Change("kim"), paused=paused)
        gateway.app.state.services.registry.stored.wake()
        async with asyncio.timeout(10):
            while (pauses := (await gateway.get("/api/completeness")).json()["pauses"]) == answers[-1]:
                await asyncio.sleep(0.05)
        answers.append(pauses)

    first = {"since": "2026-11-23T09:00:00Z", "until": "2026-11-23T10:00:00Z"}
    assert answers[1:] == [
        [first | {"until": None}],
        [first],
        [{"since": "2026-11-23T11:00:00Z", "until": None}, first],
    ]
    assert (await gateway.get("/api/completeness", tenant="fabrikam")).json()["pauses"] == []


async def test_another_tenant_sees_its_own_account_only(gateway, collected) -> None:
    [source] = (await gateway.get("/api/completeness", tenant="fabrikam")).json()["sources"]

    assert (source["unsettled"], source["records"], source["gaps"]) == (1, 0, [])


async def test_a_tenant_that_was_never_collected_has_no_sources(gateway, collected) -> None:
    assert (await gateway.get("/api/completeness", tenant="nobody")).json()["sources"] == []


async def test_a_parameter_that_the_route_does_not_have_is_refused(gateway) -> None:
    answer = await gateway.get("/api/completeness", source="o365-exchange")

    assert answer.status_code == 422
