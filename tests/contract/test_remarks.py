"""Remarks about records, and the tenants' own ids: what their stores promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aoc_cli.attach import System
from aoc_cli.doctor.remarks import check
from aoc_collector.findings import Grade
from aoc_common.contracts import ids
from aoc_common.store.mongo.remarks import MongoRemarks
from aoc_common.store.mongo.tenant_ids import MongoTenantIds
from aoc_common.store.remarks import Remark
from aoc_normalizer.enrich.tenant_check import remembering
from manual_clock import ManualClock

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
EARLY, LATE = (ids.event_id("contoso", "ual", name, 0) for name in ("early", "late"))
ONE = Remark("contoso", "o365-general", "duplicate-keys", 2, NOW, NOW, EARLY)


async def test_remarks_of_one_kind_are_one_with_their_sum_and_the_first_example(database: Database) -> None:
    store, later = MongoRemarks(database), NOW + timedelta(hours=1)
    await store.add([ONE])
    await store.add([replace(ONE, count=3, first=later, last=later, example=LATE)])

    assert await store.since(NOW, 10) == [replace(ONE, count=5, last=later)]


async def test_a_page_that_comes_again_adds_its_remarks_once(database: Database) -> None:
    store = MongoRemarks(database)
    await store.add([ONE])
    await store.add([replace(ONE, count=0)])

    assert await store.since(NOW, 10) == [ONE]


async def test_remarks_are_told_by_tenant_source_and_kind_the_most_numerous_first_and_not_for_ever(
    database: Database,
) -> None:
    store = MongoRemarks(database)
    others = [
        replace(ONE, tenant="fabrikam", count=9),
        replace(ONE, source="o365-azuread", count=7),
        replace(ONE, kind="foreign-tenant", count=5),
        replace(ONE, kind="foreign-operation", last=NOW - timedelta(days=8), first=NOW - timedelta(days=8)),
    ]
    await store.add([ONE, *others])
    await store.add([])

    assert await store.since(NOW - timedelta(days=7), 3) == others[:3]


async def test_doctor_tells_what_was_remarked_lately(database: Database, mongo_settings, nats_as) -> None:
    system = System(nats_as("cli"), mongo_settings)
    quiet = await check(system)
    now = datetime.now(UTC)
    await MongoRemarks(database).add([replace(ONE, first=now, last=now)])
    [found] = await check(system)

    assert [one.grade for one in quiet] == [Grade.OK]
    assert (found.where, found.grade) == ("contoso", Grade.WARN)
    assert str(EARLY) in found.found


async def test_a_tenants_id_is_the_one_that_was_told_last_and_is_asked_for_seldom(database: Database) -> None:
    store, clock = MongoTenantIds(database), ManualClock(NOW)
    own = remembering(store.id_of, clock)
    unknown = await own("contoso")
    await store.record({"contoso": "one", "fabrikam": "other"})
    remembered = await own("contoso")
    clock.advance(61)
    told = await own("contoso")
    await store.record({"contoso": "two"})
    await store.record({})

    assert (unknown, remembered, told) == (None, None, "one")
    assert (await store.id_of("contoso"), await store.id_of("fabrikam")) == ("two", "other")
