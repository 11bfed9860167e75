"""Retention that changes holds for what is stored too, whoever is killed on the way."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import batched

import pytest

from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_retention import MongoEventRetention
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.tenants.administration import Change
from aoc_common.tenants.stored_registry import StoredTenants
from aoc_normalizer.parts.tenants import retention as retention_of
from aoc_normalizer.upkeep.stored_retention import StoredRetention
from making import an_event
from manual_clock import ManualClock
from tenant_registry import SIMULATED, Registry, settings_of

KIM = Change("t/kim")
SETTLED = timedelta(seconds=30)
DAYS = partial(timedelta)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.mark.slow
async def test_new_and_stored_events_are_kept_as_the_tenant_says_source_by_source(database, clock):
    await ensure_indexes(database)
    registry, stored_at = Registry(database, clock), clock.now()
    stored = StoredTenants(registry.store, clock)
    keep = retention_of(stored, lambda _tenant, _source: timedelta(days=365))
    await registry.administration.add(settings_of("contoso", **SIMULATED), KIM)
    await stored.tenants()
    made = [
        an_event(f"r{number}", clock.now() - timedelta(minutes=number), tenant, source=source, ocsf={"metadata": {}})
        for number, (tenant, source) in enumerate(
            [("contoso", "o365-exchange")] * 700 + [("contoso", "graph-intune"), ("fabrikam", "o365-exchange")]
        )
    ]
    events = MongoEvents(database, keep, clock)
    for some in batched(made, 100):
        await events.insert(some, ["p"] * len(some))
    await database["events"].update_one({"_id": made[5].id}, {"$set": {"versions": 2}})
    await database["event_versions"].insert_one({"_id": "v", "event_id": made[5].id, "tenant": "contoso"})
    await registry.administration.merge("contoso", {"retention": {"*": 90, "graph-intune": 500}}, KIM)
    clock.advance(SETTLED)

    async def mine(_now):
        return True

    # Another process goes on after each step: nothing is remembered but what is stored.
    for _ in range(4):
        retention = StoredRetention(stored.records, MongoEventRetention(database), keep, mine, clock, SETTLED)
        await retention.look()

    expiry = {
        (one["tenant"], one["source"]): {(one["expire_at"] - stored_at).days}
        async for one in database["events"].find({}, {"tenant": 1, "source": 1, "expire_at": 1})
    }
    assert expiry == {
        ("contoso", "o365-exchange"): {90},
        ("contoso", "graph-intune"): {500},
        ("fabrikam", "o365-exchange"): {365},
    }
    assert (await database["event_versions"].find_one({"_id": "v"}))["expire_at"] == stored_at + timedelta(days=90)
    assert not await MongoEventRetention(database).due({"contoso": '{"*": 90, "graph-intune": 500}'})

    late = an_event("late", clock.now(), "contoso", source="o365-exchange", ocsf={"metadata": {}})
    await events.insert([late], ["p"])
    found = await database["events"].find_one({"_id": late.id})
    assert found["expire_at"] == clock.now() + timedelta(days=90)


async def test_retention_shorter_than_what_microsoft_gives_again_keeps_the_id_and_not_the_content(database, clock):
    await ensure_indexes(database)
    registry, began = Registry(database, clock), clock.now()
    stored = StoredTenants(registry.store, clock)
    keep = retention_of(stored, lambda _tenant, _source: timedelta(days=365))
    await registry.administration.add(settings_of("contoso", **SIMULATED, retention={"*": 3}), KIM)
    event = an_event("r", began, "contoso", source="o365-exchange", ocsf={"metadata": {}})
    await MongoEvents(database, keep, clock).insert([event], ["p"])
    clock.advance(SETTLED)
    store = MongoEventRetention(database)
    await stored.tenants()
    # Each tenant is looked at by its own progress; by default, nothing is to be done.
    assert await store.due({"contoso": "3", "fabrikam": "", "tailspin": "3"}) == ["contoso", "tailspin"]

    assert not await store.apply("contoso", "3", partial(keep, "contoso"))
    assert await store.due({"contoso": "3", "fabrikam": "", "tailspin": "3"}) == ["tailspin"]
    found = await database["events"].find_one({"_id": event.id})
    assert (found["forget_at"], found["expire_at"]) == (began + timedelta(days=3), began + timedelta(days=14))

    await registry.administration.merge("contoso", {"retention": None}, KIM)
    stored.wake()
    await stored.tenants()
    assert await store.due({"contoso": ""}) == ["contoso"]
    await store.apply("contoso", "", partial(keep, "contoso"))
    found = await database["events"].find_one({"_id": event.id})
    assert "forget_at" not in found
    assert found["expire_at"] == began + timedelta(days=365)
