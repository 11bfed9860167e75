"""What every `TenantRegistry` promises."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from aoc_common.errors import BadConfiguration
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.registry import TenantChange
from aoc_common.tenants.tenant import Tenant
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
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


@pytest.fixture(params=[InFile])
def kept(request, tmp_path: Path) -> InFile:
    return request.param(tmp_path)


async def following(changes: AsyncIterator[TenantChange], count: int) -> list[TenantChange]:
    async with asyncio.timeout(5):
        return [await anext(changes) for _ in range(count)]


async def test_tenants_are_listed_and_found_by_name(kept: InFile) -> None:
    kept.put([FABRIKAM, CONTOSO])
    registry = kept.make()

    assert await registry.tenants() == (a(FABRIKAM), a(CONTOSO))
    assert (await registry.get("contoso"), await registry.get("adatum")) == (a(CONTOSO), None)


async def test_tenants_are_found_by_their_directory_however_its_id_is_spelt(kept: InFile) -> None:
    kept.put([CONTOSO, FABRIKAM, SECOND_APP])
    registry = kept.make()

    for spelt in (CONTOSO["tenant_id"], CONTOSO["tenant_id"].upper(), CONTOSO["tenant_id"].replace("-", "")):
        assert await registry.by_directory(spelt) == (a(CONTOSO), a(SECOND_APP))
    assert [await registry.by_directory(other) for other in (CONTOSO["client_id"], "contoso", "")] == [()] * 3


async def test_what_changes_is_known_after_a_while(kept: InFile) -> None:
    registry = kept.make()
    kept.put([CONTOSO])
    await kept.settle()

    assert await registry.get("contoso") == a(CONTOSO)
    assert await registry.by_directory(CONTOSO["tenant_id"]) == (a(CONTOSO),)


async def test_to_who_knows_none_all_tenants_are_new(kept: InFile) -> None:
    kept.put([CONTOSO, FABRIKAM])

    found = await following(kept.make().changes(), 2)

    assert found == [TenantChange(None, a(CONTOSO)), TenantChange(None, a(FABRIKAM))]


async def test_changes_begin_with_what_is_not_as_it_is_known(kept: InFile) -> None:
    zoned = CONTOSO | {"time_zone": "Europe/Amsterdam"}
    kept.put([FABRIKAM, zoned])

    found = await following(kept.make().changes([a(CONTOSO), a(FABRIKAM), a(SECOND_APP)]), 2)

    assert found == [TenantChange(a(SECOND_APP), None), TenantChange(a(CONTOSO), a(zoned))]


async def test_changes_go_on_as_tenants_come_change_and_go(kept: InFile) -> None:
    registry = kept.make()
    changes = registry.changes(await registry.tenants())
    found = []
    zoned = CONTOSO | {"groups": ["retail"]}
    for entries in ([CONTOSO], [zoned], []):
        kept.put(entries)
        found += await following(changes, 1)

    assert found == [TenantChange(None, a(CONTOSO)), TenantChange(a(CONTOSO), a(zoned)), TenantChange(a(zoned), None)]


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
