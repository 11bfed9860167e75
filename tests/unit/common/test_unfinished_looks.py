"""What the registry of tenants answers while it has not been read yet, and when a look was broken off."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from aoc_common.clock import SystemClock
from aoc_common.errors import Unreachable
from aoc_common.tenants.records import TenantRecord
from aoc_common.tenants.stored_registry import StoredTenants
from tenant_registry import settings_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
RECORD = TenantRecord("contoso", "active", 1, NOW, NOW, settings_of("contoso"))


class Records:
    """A store that answers once it may, or raises."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked = asyncio.Event()
        self.error: Exception | None = None

    async def changed_since(self, _moment: datetime | None) -> list[TenantRecord]:
        self.asked.set()
        if self.error is not None:
            raise self.error
        await self.may.wait()
        return [RECORD]


@pytest.fixture
def store() -> Records:
    return Records()


@pytest.fixture
def registry(store) -> StoredTenants:
    return StoredTenants(cast("Any", store), SystemClock())


async def names(registry: StoredTenants) -> list[str]:
    return [tenant.name for tenant in await registry.tenants()]


async def test_a_first_look_that_was_broken_off_does_not_count_as_one(store, registry) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(registry.tenants(), 0.01)
    store.may.set()

    assert await names(registry) == ["contoso"]


async def test_who_asks_during_the_first_look_waits_for_it(store, registry) -> None:
    first = asyncio.create_task(names(registry))
    await store.asked.wait()
    second = asyncio.create_task(names(registry))
    store.may.set()

    assert [await first, await second] == [["contoso"]] * 2


async def test_until_a_look_succeeds_each_is_an_error(store, registry) -> None:
    store.error = Unreachable("away")
    for _ in range(2):
        with pytest.raises(Unreachable):
            await registry.tenants()


async def test_a_later_look_that_was_broken_off_is_made_again(store, registry) -> None:
    store.may.set()
    await registry.tenants()
    store.may.clear()
    registry.wake()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(registry.tenants(), 0.01)
    store.asked.clear()
    store.may.set()
    await registry.tenants()

    assert store.asked.is_set()
