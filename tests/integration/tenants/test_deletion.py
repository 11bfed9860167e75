"""A tenant is deleted with all its data, provably, whoever dies on the way, and nothing of it comes back."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from uuid import uuid4

import bson
import pytest

from aoc_common.bus import tenant_messages
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.clock import SystemClock
from aoc_common.contracts import subjects
from aoc_common.contracts.raw import RawPage
from aoc_common.store.mongo.client import CODEC, INDEXES, ensure_indexes
from aoc_common.store.mongo.tenant_data import MongoTenantData
from aoc_common.tenants.administration import Change
from aoc_common.tenants.stored_registry import StoredTenants
from aoc_normalizer.app import worker
from aoc_normalizer.parts.tenants import deletion_of
from aoc_normalizer.settings import NormalizerSettings
from manual_clock import ManualClock
from tenant_registry import SIMULATED, Registry, settings_of

MINE, THEIRS = "contoso", "contoso-two"
KIM = Change("t/kim")
#: Without a tenant in them, or of the installation.
ELSEWHERE = {"twin_pages", "ledger_gone", "moved_events", "tenant_settings", "tenant_checks", "grants", "rate_shares"}
ELSEWHERE |= {"api_keys", "sessions", "sign_in_links", "seen", "sinks", "sink_states", "sink_answers"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def registry(database, clock) -> Registry:
    await ensure_indexes(database)
    made = Registry(database, clock)
    for name in (MINE, THEIRS):
        await made.administration.add(settings_of(name, **SIMULATED), KIM)
    return made


async def fill(database: Any, tenant: str) -> None:
    """A document in every collection that holds what is a tenant's, and of each way in which one is found."""
    for name in set(INDEXES) - ELSEWHERE:
        key: Any = f"{tenant} word" if name in {"vocabulary", "event_outline"} else f"{tenant}/{name}"
        extra = {"unified": f"{tenant}u"} if name == "twins" else {}
        await database[name].insert_one(
            {"_id": uuid4() if name == "events" else key, "tenant": tenant, "word": "x", **extra}
        )
    await database["event_outline"].insert_many([{"_id": f"{tenant} kinds"}, {"_id": f"{tenant} 2026-11"}])
    await database["tenants"].insert_one({"_id": tenant, "tenant_id": "x"})
    await database["remarks"].insert_one({"_id": f"{tenant}/x", "tenant": tenant})
    await database["a_later_version"].insert_one({"tenant": tenant})
    await database["ledger_pages"].insert_one(
        {"_id": f"{tenant}/s/1#p-{tenant}", "slice_id": f"{tenant}/s/1", "page": f"p-{tenant}"}
    )
    for name in ("twin_pages", "ledger_gone"):
        await database[name].insert_one({"_id": f"p-{tenant}"})
    await database["events"].insert_one({"_id": uuid4(), "forgotten": True, "page": f"p-{tenant}"})
    await database["rate_shares"].insert_one({"_id": f"{app_of(tenant)}/graph"})
    # Another app of the same directory, which is another tenant.
    other = f"0/{settings_of(tenant)['tenant_id']}/graph"
    await database["rate_shares"].insert_one({"_id": other})
    await database["grants"].insert_one(
        {"_id": f"g{tenant}", "tenants": [tenant, "other"], "directories": {tenant: "x"}}
    )
    only = {"role": "reader", "tenants": [tenant], "groups": [], "everything": False, "until": None}
    await database["grants"].insert_one({"_id": f"only {tenant}", "grantee": "person x", **only})
    await database["api_keys"].insert_one(
        {"_id": f"k{tenant}", "grants": [only, only | {"tenants": [tenant, "other"]}, only | {"groups": ["retail"]}]}
    )


def app_of(tenant: str) -> str:
    settings = settings_of(tenant)
    return f"{settings['client_id']}/{settings['tenant_id']}"


async def contents(database: Any, *, leaving: tuple[str, ...] = ()) -> dict[str, list[bytes]]:
    found = {}
    for name in await database.list_collection_names():
        if name not in leaving:
            found[name] = sorted([bson.encode(one, codec_options=CODEC) async for one in database[name].find()])
    return {name: documents for name, documents in found.items() if documents}


#: What is looked at by itself: a tombstone, roles over several tenants, and what was done, which outlives a tenant.
OUTLIVING: Final = ("tenant_settings", "grants", "api_keys", "audit_trail", "audit_heads", "audit_publications")


async def test_nothing_of_the_tenant_is_left_and_nothing_of_another_is_touched(database, registry, clock):
    await fill(database, THEIRS)
    before = await contents(database, leaving=OUTLIVING)
    await fill(database, MINE)
    data = MongoTenantData(database, MINE, app_of(MINE))
    counted = await data.counts()

    await data.remove()

    assert {name for name, number in counted.items() if number == 0} <= {
        "moved_events", "seen", "upgrades",
    }  # fmt: skip
    assert set((await data.counts()).values()) == {0}
    other = {"_id": f"0/{settings_of(MINE)['tenant_id']}/graph"}
    assert (await database["rate_shares"].delete_one(other)).deleted_count == 1, "another tenant's"
    assert await contents(database, leaving=OUTLIVING) == before
    grants = {one["_id"]: one async for one in database["grants"].find()}
    assert set(grants) == {f"g{MINE}", f"g{THEIRS}", f"only {THEIRS}"}, "what is over nothing any more is no grant"
    keys = {one["_id"]: one["grants"] async for one in database["api_keys"].find()}
    assert [(one["tenants"], one["groups"]) for one in keys[f"k{MINE}"]] == [(["other"], []), ([], ["retail"])]
    assert [one["tenants"] for one in keys[f"k{THEIRS}"]] == [[THEIRS], [THEIRS, "other"], [THEIRS]]
    assert grants[f"g{MINE}"]["tenants"] == ["other"]
    assert grants[f"g{THEIRS}"]["tenants"] == [THEIRS, "other"]
    for name in ("audit_trail", "audit_heads"):
        assert {one["tenant"] async for one in database[name].find()} == {MINE, THEIRS}


class Dying:
    """A database of which the process dies at the n-th removal."""

    def __init__(self, database: Any, at: int) -> None:
        self.database, self.left = database, at

    def __getitem__(self, name: str) -> Any:
        return DyingCollection(self, self.database[name])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database, name)


class DyingCollection:
    def __init__(self, owner: Dying, collection: Any) -> None:
        self.owner, self.collection = owner, collection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.collection, name)

    async def delete_many(self, query: Any) -> Any:
        self.owner.left -= 1
        if self.owner.left < 0:
            raise KilledError
        return await self.collection.delete_many(query)


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture
async def bus(nats_as):
    async with connected_broker(nats_as("normalizer"), "normalizer") as broker:
        yield broker


@pytest.mark.slow
async def test_whoever_dies_at_any_removal_the_next_one_ends_it_with_the_proof_of_the_first_count(
    database, registry, clock, bus
):
    await fill(database, MINE)
    await fill(database, THEIRS)
    await registry.administration.delete(MINE, KIM)
    settled = timedelta(seconds=30)
    original: dict[str, int] | None = None
    for at in (*range(0, 40, 3), 1_000, 1_000, 1_000, 1_000):
        clock.advance(settled + timedelta(minutes=1))
        resources = SimpleNamespace(database=Dying(database, at), js=jetstream(bus), clock=clock)
        with suppress(KilledError):
            await deletion_of(StoredTenants(registry.store, clock), resources, settled).look()
        record = await registry.administration.record(MINE)
        if original is None:
            original = record.proof["before"]
        assert record.proof["before"] == original

    assert original is not None
    assert original["events"] == 1
    assert original["events (ids only)"] == 1
    assert original["ledger_pages"] == 2
    assert (record.state, record.settings) == ("deleted", {})
    assert set(record.proof["after"].values()) == {0}
    assert record.history[0].what == "deleted"
    assert await database["events"].count_documents({"tenant": THEIRS}) == 1
    assert (await registry.administration.record(THEIRS)).state == "active"


async def test_it_is_added_again_as_a_new_one_that_goes_on_with_its_revisions(database, registry, clock, bus):
    await registry.administration.delete(MINE, KIM)
    resources = SimpleNamespace(database=database, js=jetstream(bus), clock=clock)
    for _ in range(4):
        clock.advance(timedelta(minutes=2))
        await deletion_of(StoredTenants(registry.store, clock), resources, timedelta(seconds=30)).look()
    assert (await registry.administration.record(MINE)).state == "deleted"

    record = await registry.administration.add(settings_of(MINE, **SIMULATED), KIM)

    assert (record.state, record.revision) == ("active", 4)
    assert [tenant.name for tenant in await StoredTenants(registry.store, clock).tenants()] == [MINE, THEIRS]


def page(tenant: str, number: int, source: str = "o365-exchange") -> RawPage:
    record = {
        "Id": f"00000000-0000-0000-0000-{number:012d}",
        "CreationTime": "2026-11-23T08:00:00",
        "Operation": "New-InboxRule",
        "Workload": "Exchange",
        "RecordType": 1,
        "UserId": f"dana@{tenant}.example",
        "ResultStatus": "True",
    }
    return RawPage(
        tenant=tenant,
        source=source,
        slice_id=f"{tenant}/{source}/1",
        fetched_at=datetime.now(UTC),
        body=json.dumps([record]).encode(),
    )


@pytest.mark.slow
async def test_of_a_tenant_that_is_deleted_while_it_is_stored_nothing_is_left_and_late_pages_do_not_bring_it_back(
    database, mongo_settings, nats_as, eventually
):
    await ensure_indexes(database)
    registry = Registry(database, SystemClock())
    await registry.administration.add(settings_of(MINE, **SIMULATED), KIM)
    settings = NormalizerSettings(nats=nats_as("normalizer"), mongo=mongo_settings, deletion_settle_s=1)

    async with worker(settings).running(), connected_broker(nats_as("collector"), "collector") as broker:
        js = jetstream(broker)

        async def publish(made: RawPage) -> None:
            await js.publish(made.subject, made.body, headers=made.headers())

        async def stored(tenant: str, number: int) -> bool:
            return await database["events"].count_documents({"tenant": tenant}) == number

        for number in range(3):
            await publish(page(MINE, number))
        await publish(page(THEIRS, 7))
        await eventually(lambda: stored(MINE, 3))
        await eventually(lambda: stored(THEIRS, 1))
        await registry.administration.delete(MINE, KIM)

        async def deleted() -> bool:
            return (await registry.administration.record(MINE)).state == "deleted"

        await eventually(deleted, 40)
        for number in range(3, 6):
            await publish(page(MINE, number))
        await publish(page(THEIRS, 8))
        await eventually(lambda: stored(THEIRS, 2))

        proof = (await registry.administration.record(MINE)).proof
        assert proof["before"]["events"] == 3
        assert proof["before"][subjects.EVENTS_STREAM] == 3
        assert set(proof["after"].values()) == {0}
        async with connected_broker(nats_as("normalizer"), "normalizer") as normalizer:
            counted = await tenant_messages.count(jetstream(normalizer), MINE)
        assert set(counted.values()) == {0}
    everything = await contents(database, leaving=("tenant_settings",))
    mine = f"{MINE}.example".encode()
    assert [name for name, documents in everything.items() if any(mine in one for one in documents)] == []
    assert await database["events"].count_documents({"tenant": MINE}) == 0
    assert await database["vocabulary"].count_documents({"tenant": MINE}) == 0
    assert await database["event_outline"].count_documents({"_id": {"$regex": f"^{MINE} "}}) == 0
