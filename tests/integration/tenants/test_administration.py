"""Who may add, change, pause and delete tenants, when, and what is noted of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.errors import BadConfiguration, NotFound, Unreachable
from aoc_common.licence.terms import Licences
from aoc_common.licence.token import Licence
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.tenants.administration import Change
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.records import HISTORY, Conflict, NotAllowed
from aoc_common.tenants.stored_registry import LOOK_S, StoredTenants
from manual_clock import ManualClock
from tenant_registry import SIMULATED, Registry, a_tenant, settings_of

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

KIM, LEE = Change("t/kim"), Change("t/lee")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def registry(database: Database, clock: ManualClock) -> Registry:
    await ensure_indexes(database, ("tenant_settings",))
    return Registry(database, clock)


def licences(clock: ManualClock, tenants: int, days: int = 365) -> Licences:
    now = clock.now()
    return Licences((Licence("team", tenants, now, now + timedelta(days=days)),))


async def test_what_is_added_is_there_with_who_added_it(registry, clock):
    await registry.administration.add(
        settings_of("contoso", groups=["retail"]), Change("t/kim", check="9 ok, 0 to look at")
    )

    record = await registry.administration.record("contoso")
    assert (record.state, record.revision, record.settings["groups"]) == ("active", 1, ["retail"])
    assert (record.history[0].by, record.history[0].what, record.history[0].at) == ("t/kim", "added", clock.now())
    assert record.history[0].check == "9 ok, 0 to look at"
    assert registry.announced == ["contoso"]
    assert "env:CONTOSO" in record.settings.values()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": "Contoso"}, "name"),
        ({"tenant_id": "contoso"}, "tenant_id"),
        ({"client_secret": "hunter2"}, "client_secret"),
        ({"client_secret": None}, "client_secret"),
        ({"client_certificate": "/x.pem"}, "client_secret"),
        ({"sources": ["o365-mail"]}, "sources"),
        ({"retention": {"o365-mail": 3}}, "retention"),
        ({"retention": {"*": 0}}, "retention"),
        ({"holidays": ["yesterday"]}, "holidays"),
        ({"lists": {"Break glass": ["x"]}}, "lists"),
        ({"lists": {"vip": ["x"] * 2}}, "lists"),
        ({"authority": "http://login.example"}, "authority"),
        ({"colour": "red"}, "colour"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_settings_that_cannot_be_are_refused_by_name_and_nothing_is_stored(registry, wrong, named):
    with pytest.raises(BadConfiguration, match=named) as raised:
        await registry.administration.add(settings_of("contoso") | wrong, KIM)

    assert "hunter2" not in str(raised.value)
    assert await registry.administration.records() == []


async def test_of_two_who_change_at_once_one_is_told_that_the_other_was_faster(registry):
    await registry.administration.add(settings_of("contoso"), KIM)
    changes = [
        registry.administration.merge("contoso", {"display_name": name}, Change(name, 1))
        for name in ("Kim", "Lee", "Max")
    ]

    done = await asyncio.gather(*changes, return_exceptions=True)

    won = [one for one in done if not isinstance(one, Conflict)]
    record = await registry.administration.record("contoso")
    assert len(won) == 1
    assert record.revision == 2
    assert record.settings["display_name"] == record.history[0].by


async def test_two_who_add_at_once_do_not_both_get_the_last_tenant_of_the_licence(registry):
    names = ["contoso", "fabrikam", "adatum"]

    done = await asyncio.gather(
        *(registry.administration.add(settings_of(name), KIM) for name in names), return_exceptions=True
    )

    assert len([one for one in done if isinstance(one, NotAllowed)]) == 2
    assert len(await registry.administration.records()) == 1


async def test_two_who_add_one_app_at_once_under_two_names_do_not_both_get_it(registry):
    names = ["contoso", "contoso-too"]
    same = {key: value for key, value in settings_of("contoso", **SIMULATED).items() if key != "name"}

    done = await asyncio.gather(
        *(registry.administration.add({"name": name, **same}, KIM) for name in names), return_exceptions=True
    )

    assert len([one for one in done if isinstance(one, Conflict)]) == 1


async def test_a_licence_that_ended_refuses_new_tenants_and_nothing_else(database, clock):
    registry = Registry(database, clock, licences(clock, 3, days=10))
    for name in ("contoso", "fabrikam"):
        await registry.administration.add(settings_of(name), KIM)
    clock.advance(timedelta(days=10))

    with pytest.raises(NotAllowed, match="no tenant can be added until AOC_LICENSE_KEY holds a new one"):
        await registry.administration.add(settings_of("adatum"), KIM)
    await registry.administration.merge("fabrikam", {"groups": ["retail"]}, KIM)
    await registry.administration.pause("contoso", KIM, paused=True)
    await registry.administration.pause("contoso", KIM, paused=False)
    assert {tenant.name for tenant in await StoredTenants(registry.store, clock).tenants()} == {"contoso", "fabrikam"}


async def test_a_clock_that_was_set_back_before_the_end_of_a_licence_adds_no_tenants(database, clock):
    registry = Registry(database, clock, licences(clock, 3, days=10))
    clock.advance(timedelta(days=11))
    await registry.administration.add(settings_of("contoso"), KIM)
    clock.jump(-timedelta(days=5))

    with pytest.raises(NotAllowed):
        await registry.administration.add(settings_of("fabrikam"), KIM)


async def test_tenants_of_a_simulator_on_this_machine_need_no_licence(registry):
    for name in ("contoso", "fabrikam", "adatum"):
        await registry.administration.add(settings_of(name, **SIMULATED), KIM)
    await registry.administration.add(settings_of("real"), KIM)

    assert await registry.administration.counted() == 1
    with pytest.raises(NotAllowed):
        await registry.administration.add(settings_of("second"), KIM)


async def test_a_tenant_of_the_file_is_changed_in_the_file_only_and_its_entry_counts(database, clock):
    in_file = a_tenant("contoso", display_name="Of the file")
    stored = Registry(database, clock)
    await stored.administration.add(settings_of("contoso", display_name="Of the registry"), KIM)
    registry = Registry(database, clock, in_file=(in_file,))
    combined = CombinedTenants(registry.file, StoredTenants(registry.store, clock))

    assert [tenant.title for tenant in await combined.tenants()] == ["Of the file"]
    for change in (
        registry.administration.merge("contoso", {"display_name": "x"}, KIM),
        registry.administration.pause("contoso", KIM, paused=True),
        registry.administration.delete("contoso", KIM),
        registry.administration.add(settings_of("contoso"), KIM),
    ):
        with pytest.raises((NotAllowed, Conflict)):
            await change


async def test_the_app_of_a_tenant_of_the_file_is_collected_once(database, clock):
    registry = Registry(database, clock, in_file=(a_tenant("contoso"),))

    with pytest.raises(Conflict, match="contoso has the same"):
        await registry.administration.add({**settings_of("contoso"), "name": "other"}, KIM)


async def test_a_name_is_never_changed(registry):
    await registry.administration.add(settings_of("contoso"), KIM)

    with pytest.raises(BadConfiguration, match="name"):
        await registry.administration.merge("contoso", {"name": "adatum"}, KIM)


async def test_null_makes_a_setting_what_it_is_by_default(registry):
    await registry.administration.add(settings_of("contoso", display_name="Contoso Works", groups=["retail"]), KIM)
    record = await registry.administration.merge("contoso", {"display_name": None}, LEE)

    assert "display_name" not in record.settings
    assert record.settings["groups"] == ["retail"]
    assert (record.history[0].by, record.history[0].fields) == ("t/lee", ("display_name",))


async def test_the_record_holds_the_newest_changes_and_stays_small(registry):
    await registry.administration.add(settings_of("contoso"), KIM)
    for number in range(HISTORY + 5):
        await registry.administration.merge("contoso", {"display_name": f"n{number}"}, KIM)

    record = await registry.administration.record("contoso")
    assert len(record.history) == HISTORY
    assert record.history[0].revision == record.revision == HISTORY + 6


async def test_what_is_being_deleted_is_collected_by_nobody_and_cannot_be_changed_or_added(registry, clock):
    await registry.administration.add(settings_of("contoso"), KIM)
    first = await registry.administration.delete("contoso", KIM)
    again = await registry.administration.delete("contoso", LEE)

    assert (first.state, again) == ("deleting", first)
    assert await StoredTenants(registry.store, clock).tenants() == ()
    for change in (
        registry.administration.merge("contoso", {"display_name": "x"}, KIM),
        registry.administration.pause("contoso", KIM, paused=True),
        registry.administration.add(settings_of("contoso"), KIM),
    ):
        with pytest.raises(Conflict, match="being deleted"):
            await change


async def test_there_is_no_change_of_what_is_not_there(registry):
    for change in (
        registry.administration.merge("contoso", {"display_name": "x"}, KIM),
        registry.administration.pause("contoso", KIM, paused=True),
        registry.administration.delete("contoso", KIM),
    ):
        with pytest.raises(NotFound):
            await change


async def test_a_look_reads_what_has_changed_and_not_a_thousand_tenants(database, clock):
    await ensure_indexes(database, ("tenant_settings",))
    registry = Registry(database, clock)
    moment = clock.now()
    await database["tenant_settings"].insert_many(
        [
            {
                "_id": f"t{number}",
                "state": "active",
                "revision": 1,
                "added_at": moment,
                "changed_at": moment,
                "settings": settings_of(f"t{number}"),
                "history": [],
                "proof": {},
            }
            for number in range(1_000)
        ]
    )
    read: list[int] = []

    class Counting:
        async def changed_since(self, since):
            found = await registry.store.changed_since(since)
            read.append(len(found))
            return found

    stored = StoredTenants(Counting(), clock)  # all that it asks
    assert len(await stored.tenants()) == 1_000
    clock.advance(300)
    await registry.administration.merge("t7", {"display_name": "Seven"}, KIM)
    for _ in range(3):
        clock.advance(LOOK_S)
        assert len(await stored.tenants()) == 1_000

    assert (await stored.get("t7")).title == "Seven"
    assert read[0] == 1_000
    # All of those that changed since shortly before the newest of the look before.
    assert read[2:] == [1, 1]


async def test_while_the_database_never_answered_nobody_waits_for_the_looks_of_others(clock):
    class Away:
        def __init__(self):
            self.asked, self.go = 0, asyncio.Event()

        async def changed_since(self, _since):
            self.asked += 1
            await self.go.wait()
            raise Unreachable("MongoDB: away")

    away = Away()
    stored = StoredTenants(away, clock)
    looking = [asyncio.create_task(stored.get("contoso")) for _ in range(20)]
    await asyncio.sleep(0)
    away.go.set()
    answers = await asyncio.gather(*looking, return_exceptions=True)

    assert {type(answer) for answer in answers} == {Unreachable}
    assert away.asked == 1
    with pytest.raises(Unreachable):
        await stored.get("contoso")  # who comes later has it looked up again
    assert away.asked == 2


async def test_a_change_is_known_after_one_look_without_a_message_and_at_once_with_one(registry, clock):
    stored = StoredTenants(registry.store, clock)
    assert await stored.tenants() == ()
    await registry.administration.add(settings_of("contoso"), KIM)

    assert await stored.tenants() == ()
    stored.wake()
    assert [tenant.name for tenant in await stored.tenants()] == ["contoso"]

    await registry.administration.pause("contoso", KIM, paused=True)
    assert not (await stored.get("contoso")).paused
    clock.advance(LOOK_S)
    assert (await stored.get("contoso")).paused


@pytest.mark.parametrize(("field", "value"), [("colour", "red"), ("sources", ["graph-of-tomorrow"])])
async def test_settings_of_a_newer_version_change_nothing_of_what_is_known(registry, database, clock, field, value):
    stored = StoredTenants(registry.store, clock)
    await registry.administration.add(settings_of("contoso", display_name="Contoso Works"), KIM)
    assert (await stored.get("contoso")).title == "Contoso Works"
    clock.advance(1)
    await database["tenant_settings"].update_one(
        {"_id": "contoso"}, {"$set": {"revision": 2, "changed_at": clock.now(), f"settings.{field}": value}}
    )
    clock.advance(LOOK_S)

    assert (await stored.get("contoso")).title == "Contoso Works"


async def test_a_simulators_tenant_that_becomes_a_real_one_takes_a_place_of_the_licence(registry):
    for name in ("contoso", "fabrikam"):
        await registry.administration.add(settings_of(name, **SIMULATED), KIM)
    real = {"authority": None}

    done = await asyncio.gather(
        *(registry.administration.merge(name, real, KIM) for name in ("contoso", "fabrikam")), return_exceptions=True
    )

    assert len([one for one in done if isinstance(one, NotAllowed)]) == 1
    assert await registry.administration.counted() == 1


async def test_what_was_done_with_an_earlier_tenant_of_the_name_is_not_the_new_ones_history(registry, clock):
    await registry.administration.add(settings_of("contoso"), KIM)
    assert await registry.administration.named_since("contoso") is None
    record = await registry.administration.delete("contoso", KIM)
    clock.advance(60)
    ended = replace(record, state="deleted", revision=record.revision + 1, changed_at=clock.now(), settings={})
    await registry.store.put(ended)
    assert await registry.administration.named_since("contoso") == clock.now()
    clock.advance(60)
    again = await registry.administration.add(settings_of("contoso"), LEE)

    assert [(step.what, step.by) for step in again.own_history] == [("added", LEE.by)]
    assert await registry.administration.named_since("contoso") == clock.now()
