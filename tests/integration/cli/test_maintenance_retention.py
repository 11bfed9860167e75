"""`aoc maintenance retention`: what is counted, and what is gone after."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from aoc_common.clock import SystemClock
from aoc_common.store.accounts import GapCause
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.tenants.administration import Change
from making import an_event
from tenant_registry import SIMULATED, Registry, settings_of

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def aoc(command_line):
    """`aoc("--apply")`: status, stdout and stderr of `aoc maintenance retention --apply`."""
    return partial(command_line, "maintenance", "retention")


async def fill(database: Database) -> None:
    """1,203 events past their retention in steps of 500 and more, one that is to be emptied, two that stay."""
    events = database["events"]
    made = [an_event(f"r{number}", NOW - DAY, source="o365-exchange") for number in range(1206)]
    await MongoEvents(database, lambda *_: 365 * DAY).insert(made, ["p"] * len(made))
    gone = [event.id for event in made[:1203]]
    await events.update_many({"_id": {"$in": gone}}, {"$set": {"expire_at": NOW - timedelta(seconds=1)}})
    await events.update_one({"_id": made[1203].id}, {"$set": {"forget_at": NOW - timedelta(seconds=1)}})
    await events.update_one({"_id": made[1204].id}, {"$set": {"expire_at": NOW + timedelta(hours=1)}})
    version = {"event_id": gone[0], "tenant": "contoso", "expire_at": NOW - timedelta(seconds=1)}
    await database["event_versions"].insert_many([{"_id": f"v{number}", **version} for number in range(2)])
    await MongoSources(database).advance("contoso", "o365-exchange", NOW, NOW)
    entry = QuarantineEntry("k", "contoso", "o365-exchange", "s", "p", "not JSON", "{", NOW - 401 * DAY)
    await MongoQuarantine(database).put([entry])


@pytest.mark.slow
def test_what_is_due_is_counted_first_and_gone_when_it_is_applied(aoc, on_store) -> None:
    on_store(fill)
    count = partial(on_store, lambda database: database["events"].count_documents({}))
    looked = json.loads(aoc("--json").out)
    assert count() == 1206
    applied = json.loads(aoc("--apply", "--share", "100", "--json").out)
    again = json.loads(aoc("--apply", "--json").out)

    assert looked["due"] == [{"tenant": "contoso", "source": "o365-exchange", "events": 1203, "content": 1}]
    assert looked["put_aside"] == {"dead_letters": 0, "quarantine": 1}
    assert (applied["removed"], applied["emptied"]) == (1205, 1)
    assert (again["removed"], again["emptied"], again["due"]) == (0, 0, [])
    assert count() == 3
    assert on_store(lambda database: database["events"].count_documents({"forgotten": True})) == 1
    assert on_store(lambda database: database["event_versions"].count_documents({})) == 0
    [account] = on_store(lambda database: MongoAccount(database).accounts("contoso", NOW))
    assert [gap.cause for gap in account.gaps if gap.cause is GapCause.LOST] == [GapCause.LOST]
    query = AuditQuery("_installation", action="maintenance.retention")
    assert len(on_store(lambda database: MongoAuditTrail(database).search(query))) == 2


def test_a_retention_that_was_changed_is_applied_before_it_is_counted(aoc, on_store, monkeypatch) -> None:
    monkeypatch.setenv("AOC_DELETION_SETTLE_S", "0.001")

    async def shorten(database: Database) -> None:
        made = [an_event(f"r{number}", NOW - DAY, source="o365-exchange") for number in range(3)]
        for event in made:
            event.ocsf["metadata"] = {}
        await MongoEvents(database, lambda *_: 365 * DAY).insert(made, ["p"] * 3)
        # Stored a year ago, but for one.
        old = {"$set": {"event.metadata.processed_time": int((NOW - 364 * DAY).timestamp() * 1000)}}
        await database["events"].update_many({"_id": {"$in": [event.id for event in made[:2]]}}, old)
        registry = Registry(database, SystemClock())
        settings = settings_of("contoso", **SIMULATED, retention={"*": 200})
        await registry.administration.add(settings, Change("d/kim"))

    on_store(shorten)
    looked = json.loads(aoc("--json").out)
    applied = json.loads(aoc("--apply", "--json").out)

    assert (looked["changed"], looked["due"]) == (["contoso"], [])
    assert (applied["changed"], applied["removed"]) == (["contoso"], 2)
    assert json.loads(aoc("--json").out)["changed"] == []


@pytest.mark.slow
def test_of_one_tenant_only_its_events_go(aoc, on_store) -> None:
    async def both(database: Database) -> None:
        await fill(database)
        made = [an_event(f"f{number}", NOW - DAY, "fabrikam", source="o365-exchange") for number in range(2)]
        await MongoEvents(database, lambda *_: 365 * DAY).insert(made, ["p"] * 2)
        past = {"$set": {"expire_at": NOW - timedelta(seconds=1)}}
        await database["events"].update_many({"tenant": "fabrikam"}, past)

    on_store(both)
    looked = json.loads(aoc("--tenant", "fabrikam", "--json").out)
    applied = json.loads(aoc("--tenant", "fabrikam", "--apply", "--json").out)

    assert looked["due"] == [{"tenant": "fabrikam", "source": "o365-exchange", "events": 2, "content": 0}]
    assert (applied["removed"], applied["emptied"], applied["put_aside"]["quarantine"]) == (2, 0, 0)
    assert on_store(lambda database: database["events"].count_documents({})) == 1206
    assert on_store(lambda database: database["quarantine"].count_documents({"state": "open"})) == 1
    query = AuditQuery("fabrikam", action="maintenance.retention")
    assert len(on_store(lambda database: MongoAuditTrail(database).search(query))) == 1
    assert aoc("--tenant", "No Tenant").status in {1, 2}
