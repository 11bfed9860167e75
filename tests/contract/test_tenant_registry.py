"""What every `TenantRegistry` promises."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from aoc_common.errors import BadConfiguration
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.records import TenantRecord
from aoc_common.tenants.registry import TenantChange
from aoc_common.tenants.stored_registry import LOOK_S, StoredTenants
from aoc_common.tenants.tenant import Tenant
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from aoc_common.tenants.registry import TenantRegistry

CONTOSO = {
    "name": "contoso",
    "tenant_id": "c0a70501-5a11-4d0e-9b1c-0a0c51a00001",
    "client_id": "c0a70501-a99c-4011-8ec7-0a0c51a00011",
}
SECOND_APP = CONTOSO | {"name": "contoso-intune", "client_id": "c0a70501-a99c-4011-8ec7-0a0c51a00012"}
FABRIKAM = {
    "name": "fabrikam",
    "tenant_id": "fab01ca0-5a11-4d0e-9b1c-0a0c51a00002",
    "client_id": "fab01ca0-a99c-4011-8ec7-0a0c51a00022",
}
FRESH_S = 30.0


def a(entry: dict[str, Any]) -> Tenant:
    return Tenant.model_validate(entry)


class InFile:
    """A registry over a file, and how what it knows is changed."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "tenants.json"
        self.clock = ManualClock()
        self.put([])

    def put(self, entries: list[dict[str, Any]]) -> None:
        self.file.write_text(json.dumps(entries))

    def make(self) -> TenantRegistry:
        return FileTenants(partial(read_tenants, self.file), self.clock, FRESH_S)

    async def settle(self) -> None:
        """Until what was put is known."""
        self.clock.advance(FRESH_S)

    def ordered(self, *entries: dict[str, Any]) -> tuple[Tenant, ...]:
        """These tenants in the order of the registry: a file's is that of its entries."""
        return tuple(map(a, entries))


class InDatabase:
    """As `InFile`, over records; tenants are in the order of their names."""

    def __init__(self, _directory: Path) -> None:
        self.records: dict[str, TenantRecord] = {}
        self.clock = ManualClock()

    def put(self, entries: list[dict[str, Any]]) -> None:
        now = self.clock.now()
        for name in self.records.keys() | {entry["name"] for entry in entries}:
            entry = next((entry for entry in entries if entry["name"] == name), None)
            state, settings = ("deleted", {}) if entry is None else ("active", entry)
            before = self.records.get(name)
            if before is None or (before.state, before.settings) != (state, settings):
                revision = before.revision + 1 if before else 1
                self.records[name] = TenantRecord(name, state, revision, now, now, settings)

    async def changed_since(self, moment: datetime | None) -> list[TenantRecord]:
        """All that a registry asks its store."""
        records = sorted(self.records.values(), key=lambda record: record.name)
        return [record for record in records if moment is None or record.changed_at >= moment]

    def make(self) -> TenantRegistry:
        return StoredTenants(self, self.clock)

    async def settle(self) -> None:
        self.clock.advance(LOOK_S)

    def ordered(self, *entries: dict[str, Any]) -> tuple[Tenant, ...]:
        return tuple(sorted(map(a, entries), key=lambda tenant: tenant.name))


class InBoth:
    """As `InFile`: Fabrikam is in the file, which comes first, and all others are in the database."""

    def __init__(self, directory: Path) -> None:
        self.file, self.database = InFile(directory), InDatabase(directory)

    def put(self, entries: list[dict[str, Any]]) -> None:
        self.file.put([entry for entry in entries if entry["name"] == "fabrikam"])
        self.database.put([entry for entry in entries if entry["name"] != "fabrikam"])

    def make(self) -> TenantRegistry:
        return CombinedTenants(self.file.make(), self.database.make())

    async def settle(self) -> None:
        await self.file.settle()
        await self.database.settle()

    def ordered(self, *entries: dict[str, Any]) -> tuple[Tenant, ...]:
        of_file = [entry for entry in entries if entry["name"] == "fabrikam"]
        return (*map(a, of_file), *self.database.ordered(*(entry for entry in entries if entry not in of_file)))


type Kept = InFile | InDatabase | InBoth


@pytest.fixture(params=[InFile, InDatabase, InBoth])
def kept(request, tmp_path: Path) -> Kept:
    return request.param(tmp_path)


async def following(changes: AsyncIterator[TenantChange], count: int) -> list[TenantChange]:
    async with asyncio.timeout(5):
        return [await anext(changes) for _ in range(count)]


async def test_tenants_are_listed_and_found_by_name(kept: Kept) -> None:
    kept.put([FABRIKAM, CONTOSO])
    registry = kept.make()

    assert await registry.tenants() == kept.ordered(FABRIKAM, CONTOSO)
    assert (await registry.get("contoso"), await registry.get("adatum")) == (a(CONTOSO), None)


async def test_tenants_are_found_by_their_directory_however_its_id_is_spelt(kept: Kept) -> None:
    kept.put([CONTOSO, FABRIKAM, SECOND_APP])
    registry = kept.make()

    for spelt in (CONTOSO["tenant_id"], CONTOSO["tenant_id"].upper(), CONTOSO["tenant_id"].replace("-", "")):
        assert await registry.by_directory(spelt) == (a(CONTOSO), a(SECOND_APP))
    assert [await registry.by_directory(other) for other in (CONTOSO["client_id"], "contoso", "")] == [()] * 3


async def test_what_changes_is_known_after_a_while(kept: Kept) -> None:
    registry = kept.make()
    kept.put([CONTOSO])
    await kept.settle()

    assert await registry.get("contoso") == a(CONTOSO)
    assert await registry.by_directory(CONTOSO["tenant_id"]) == (a(CONTOSO),)


async def test_to_who_knows_none_all_tenants_are_new(kept: Kept) -> None:
    kept.put([CONTOSO, FABRIKAM])

    found = await following(kept.make().changes(), 2)

    assert found == [TenantChange(None, tenant) for tenant in kept.ordered(CONTOSO, FABRIKAM)]


async def test_changes_begin_with_what_is_not_as_it_is_known(kept: Kept) -> None:
    zoned = CONTOSO | {"time_zone": "Europe/Amsterdam"}
    kept.put([FABRIKAM, zoned])

    found = await following(kept.make().changes([a(CONTOSO), a(FABRIKAM), a(SECOND_APP)]), 2)

    assert found == [TenantChange(a(SECOND_APP), None), TenantChange(a(CONTOSO), a(zoned))]


async def test_changes_go_on_as_tenants_come_change_and_go(kept: Kept) -> None:
    registry = kept.make()
    changes = registry.changes(await registry.tenants())
    found = []
    zoned = CONTOSO | {"groups": ["retail"]}
    for entries in ([CONTOSO], [zoned], []):
        kept.put(entries)
        found += await following(changes, 1)

    assert found == [TenantChange(None, a(CONTOSO)), TenantChange(a(CONTOSO), a(zoned)), TenantChange(a(zoned), None)]


async def test_what_is_in_the_file_counts_by_name_and_by_app_however_it_is_asked_for(tmp_path: Path) -> None:
    kept = InBoth(tmp_path)
    renamed = CONTOSO | {"name": "contoso-of-before"}
    kept.file.put([FABRIKAM, CONTOSO])
    kept.database.put([FABRIKAM | {"display_name": "Another"}, renamed, SECOND_APP])
    registry = kept.make()

    assert await registry.tenants() == (a(FABRIKAM), a(CONTOSO), a(SECOND_APP))
    for entry in (FABRIKAM, CONTOSO, SECOND_APP):
        assert await registry.get(entry["name"]) == a(entry)
    assert await registry.get(renamed["name"]) is None
    assert await registry.by_directory(CONTOSO["tenant_id"]) == (a(CONTOSO), a(SECOND_APP))


async def test_a_file_that_becomes_wrong_changes_nothing_and_is_logged_once(tmp_path: Path) -> None:
    kept = InFile(tmp_path)
    kept.put([CONTOSO])
    registry = kept.make()
    with structlog.testing.capture_logs() as logged:
        for text in ("[{", "[{", '[{"name": "contoso"}]'):
            kept.file.write_text(text)
            await kept.settle()
            assert await registry.tenants() == (a(CONTOSO),)
    kept.put([FABRIKAM])
    await kept.settle()

    assert await registry.tenants() == (a(FABRIKAM),)
    assert [line["event"] for line in logged] == ["tenants.unreadable"] * 2
    assert "tenant contoso, tenant_id" in logged[1]["error"]


def test_a_file_that_is_wrong_at_the_start_is_an_error(tmp_path: Path) -> None:
    kept = InFile(tmp_path)
    kept.file.write_text("[{")

    with pytest.raises(BadConfiguration, match="no JSON"):
        kept.make()
